/** What may come next in a query: tables behind FROM, columns of the tables it reads, functions and words. */

import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'
import { FUNCTIONS, RESERVED } from './language'
import { bare, isText, sources, words, type Word } from './statement'

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
const NAME = /^"?[\w"]*$/
const PATH = /^[\w".]*$/
const NEEDS_A_TABLE = new Set(['FROM', 'JOIN'])

/** A name as it is written in a query: in double quotes where it is no regular identifier or a reserved word. */
export function written(name: string): string {
  return REGULAR.test(name) && !RESERVED.has(name.toUpperCase()) ? name : `"${name.replaceAll('"', '""')}"`
}

/** What may stand at a place of a text, and where the word that it would replace begins; null where nothing is due. */
export function complete(text: string, place: number, tables: readonly TableInfo[]): CompletionResult | null {
  if (isText(text, place)) return null
  const tokens = words(text.slice(0, place))
  const last = tokens.at(-1)
  const typed = last && last.kind !== 'sign' && last.from + last.text.length === place ? tokens.pop() : undefined
  const from = typed?.from ?? place
  const path = pathAtEnd(tokens)
  if (path.length) return qualified(text, path, from, tables)
  const options = tableIsDue(tokens)
    ? tables.map(tableOption)
    : [...columnsInSight(text, tables), ...aliases(text), ...functions, ...keywords]
  return { from, options, validFor: NAME }
}

/** The names with a dot behind each that end a row of words. */
function pathAtEnd(tokens: readonly Word[]): Word[] {
  const path: Word[] = []
  for (let at = tokens.length - 1; at > 0 && tokens[at]!.text === '.' && tokens[at - 1]!.kind !== 'sign'; at -= 2)
    path.unshift(tokens[at - 1]!)
  return path
}

function qualified(text: string, path: readonly Word[], from: number, tables: readonly TableInfo[]): CompletionResult | null {
  const name = path.map((token) => bare(token.text)).join('.')
  const source = sources(text).find((each) => same(each.alias, name) || same(each.table, name))
  const table = find(tables, source?.table ?? name)
  if (table) return { from, options: table.columns.map((column) => columnOption(column, table)), validFor: NAME }
  const inSchema = tables.filter((each) => same(each.name.split('.')[0]!, name))
  return inSchema.length ? { from: path[0]!.from, options: inSchema.map(tableOption), validFor: PATH } : null
}

/** Whether the word behind others has to be a table. */
function tableIsDue(tokens: readonly Word[]): boolean {
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
