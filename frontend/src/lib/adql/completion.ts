/** What may come next in a query: tables behind FROM, columns of the tables it reads, functions and words. */

import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'
import { FUNCTIONS, RESERVED } from './language'
import { bare, isText, sources, words } from './statement'

export interface ColumnInfo {
  name: string
  description?: string | null
  unit?: string | null
  datatype?: string | null
}

/** A table as the server describes it; ``name`` with its schema, as it stands behind FROM. */
export interface TableInfo {
  name: string
  description?: string | null
  columns: readonly ColumnInfo[]
}

const REGULAR = /^[A-Za-z][A-Za-z0-9_]*$/
const KEYWORDS = (
  'SELECT DISTINCT TOP FROM AS JOIN LEFT RIGHT FULL OUTER INNER NATURAL ON USING WHERE AND OR NOT IN BETWEEN LIKE ILIKE' +
  ' IS NULL EXISTS GROUP BY HAVING ORDER ASC DESC OFFSET UNION EXCEPT INTERSECT ALL WITH'
).split(' ')
const NEEDS_A_TABLE = new Set(['FROM', 'JOIN'])

/** A name as it is written in a query: in double quotes where it is no regular identifier or a reserved word. */
export function written(name: string): string {
  return REGULAR.test(name) && !RESERVED.has(name.toUpperCase()) ? name : `"${name.replaceAll('"', '""')}"`
}

/** What may stand at a place of a text, and where the word that it would replace begins; null where nothing is due. */
export function complete(text: string, place: number, tables: readonly TableInfo[]): CompletionResult | null {
  if (isText(text, place)) return null
  const before = text.slice(0, place)
  const typed = /("(?:[^"]|"")*|[A-Za-z][A-Za-z0-9_]*)?$/.exec(before)![0]!
  const from = place - typed.length
  const path = /((?:(?:"(?:[^"]|"")*"|[A-Za-z][A-Za-z0-9_]*)\s*\.\s*)+)$/.exec(text.slice(0, from))
  if (path) return qualified(text, path[1]!, from, path.index, tables)
  const options = tableIsDue(before.slice(0, from))
    ? tables.map(tableOption)
    : [...columnsInSight(text, tables), ...aliases(text), ...functions, ...keywords]
  return { from, options, validFor: /^"?[\w"]*$/ }
}

function qualified(
  text: string,
  path: string,
  from: number,
  start: number,
  tables: readonly TableInfo[],
): CompletionResult | null {
  const name = words(path)
    .filter((token) => token.kind !== 'sign')
    .map((token) => bare(token.text))
    .join('.')
  const source = sources(text).find((each) => same(each.alias, name) || same(each.table, name))
  const table = find(tables, source?.table ?? name)
  if (table) return { from, options: table.columns.map((column) => columnOption(column, table)), validFor: /^"?[\w"]*$/ }
  const inSchema = tables.filter((each) => same(each.name.split('.')[0]!, name))
  if (!inSchema.length) return null
  return { from: start, options: inSchema.map(tableOption), validFor: /^[\w".]*$/ }
}

/** Whether the word behind a text has to be a table. */
function tableIsDue(before: string): boolean {
  const tokens = words(before)
  const last = tokens.at(-1)
  if (!last) return false
  if (last.kind === 'word' && NEEDS_A_TABLE.has(last.text.toUpperCase())) return true
  if (last.text !== ',') return false
  let depth = 0
  for (const token of tokens.toReversed()) {
    if (token.text === ')') depth++
    if (token.text === '(' && depth-- === 0) return false
    if (depth || token.kind !== 'word') continue
    const word = token.text.toUpperCase()
    if (word === 'FROM') return true
    if (['SELECT', 'WHERE', 'BY', 'HAVING'].includes(word)) return false
  }
  return false
}

function columnsInSight(text: string, tables: readonly TableInfo[]): Completion[] {
  const read = sources(text).flatMap((source) => find(tables, source.table) ?? [])
  const seen = new Set<string>()
  return read.flatMap((table) =>
    table.columns
      .filter((column) => !seen.has(column.name) && seen.add(column.name))
      .map((column) => ({ ...columnOption(column, table), boost: 2 })),
  )
}

function aliases(text: string): Completion[] {
  return sources(text)
    .filter((source) => !source.table.endsWith(source.alias))
    .map((source) => ({ label: source.alias, apply: written(source.alias), type: 'variable', detail: source.table, boost: 1 }))
}

function find(tables: readonly TableInfo[], name: string): TableInfo | undefined {
  return tables.find((table) => same(table.name, name)) ?? tables.find((table) => same(table.name.split('.').at(-1)!, name))
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function tableOption(table: TableInfo): Completion {
  const name = table.name.split('.').map(written).join('.')
  return { label: table.name, apply: name, type: 'class', info: table.description ?? undefined } as Completion
}

function columnOption(column: ColumnInfo, table: TableInfo): Completion {
  const detail = [column.datatype, column.unit && `[${column.unit}]`].filter(Boolean).join(' ')
  const info = [column.description, table.name].filter(Boolean).join(' — ')
  return { label: column.name, apply: written(column.name), type: 'property', detail, info }
}

const functions: Completion[] = [...FUNCTIONS].map((name) => ({ label: name, apply: `${name}(`, type: 'function' }))
const keywords: Completion[] = KEYWORDS.map((label) => ({ label, type: 'keyword', boost: -1 }))

/** A source of completions over tables that may arrive, or change, while the editor is open. */
export function completionSource(tables: () => readonly TableInfo[]): CompletionSource {
  return (context: CompletionContext) => {
    const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos)
    if (!context.explicit && !/[\w".]/.test(before)) return null
    return complete(context.state.doc.toString(), context.pos, tables())
  }
}
