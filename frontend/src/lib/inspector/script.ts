/** The same query for a terminal: plain Python and curl, working as they stand. */
import { search, type Query } from '../query/query'

export type Language = 'Python' | 'curl'

function parameters(query: Query, columns: readonly string[]): Record<string, string> {
  return { ...search(query), columns: columns.join(',') }
}

/** A Python literal of a string. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A word that a POSIX shell passes on as it is. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

export function python(origin: string, query: Query, columns: readonly string[]): string {
  const lines = Object.entries(parameters(query, columns)).map(([name, value]) => `    ${quoted(name)}: ${quoted(value)},`)
  return [
    'import json, urllib.parse, urllib.request',
    '',
    `url = ${quoted(`${origin}/api/v1/observations`)}`,
    'query = {',
    ...lines,
    '}',
    'rows, after = [], {}',
    'while after is not None:',
    '    address = f"{url}?{urllib.parse.urlencode(query | after)}"',
    '    page = json.load(urllib.request.urlopen(address))',
    '    rows += zip(*(page["data"][name] for name in page["columns"]))',
    '    after = {"after": page["next"]} if page["next"] else None',
    'print(len(rows), "observations")',
    '',
  ].join('\n')
}

export function curl(origin: string, query: Query, columns: readonly string[]): string {
  const words = Object.entries(parameters(query, columns)).map(([name, value]) => `  --data-urlencode ${shellWord(`${name}=${value}`)}`)
  return [`curl --get ${shellWord(`${origin}/api/v1/observations`)}`, ...words].join(' \\\n') + '\n'
}

export const SCRIPTS: Record<Language, (origin: string, query: Query, columns: readonly string[]) => string> = { Python: python, curl }
