/** A table that TAP answers with, as JSON, and what becomes of it on the page. */
import type { Cell } from '../api/types'

/** What stands in a row: one value, or an array of them. */
export type Value = Cell | readonly Value[]

/** One column, with what the tables say of it (VOTable 1.4 §4.1). */
export interface Field {
  name: string
  datatype: string
  arraysize?: string
  unit?: string
  ucd?: string
  utype?: string
  xtype?: string
  description?: string
}

export interface Answer {
  columns: Field[]
  /** One list a row; integers beyond 2^53 are text, so that no digit is lost. */
  data: Value[][]
  info: Record<string, string>
  status: 'OK' | 'OVERFLOW' | 'ERROR'
  rows: number
  /** Why the rows broke off. */
  message?: string
}

/** An integer that a double may round, where a cell may stand. */
const LONG = /[[,]-?[0-9]{16,}[\],]/
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g
const WHOLE = /^-?[0-9]+$/

/** Read an answer without rounding an integer. */
export function readAnswer(text: string): Answer {
  const quote = (token: string) => (WHOLE.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token)
  return JSON.parse(LONG.test(text) ? text.replace(TEXT_OR_NUMBER, quote) : text) as Answer
}

const NUMBERS = new Set(['unsignedByte', 'short', 'int', 'long', 'float', 'double'])

/** Whether a column holds one number a row. */
export function isNumber(field: Field): boolean {
  return NUMBERS.has(field.datatype) && field.arraysize === undefined && field.xtype === undefined
}

/** Whether a column holds one short text or truth value a row, that can stand on an axis. */
export function isCategory(field: Field): boolean {
  return (field.datatype === 'char' || field.datatype === 'unicodeChar' || field.datatype === 'boolean') && field.xtype === undefined
}

/** A cell as it is: every digit, arrays in brackets. */
export function written(value: Value | undefined): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The rows in the order of a column; rows without a value come last, whatever the direction. */
export function sorted(data: readonly Value[][], column: number, descending: boolean): Uint32Array {
  const order = Uint32Array.from(data, (_, row) => row)
  const sign = descending ? -1 : 1
  return order.sort((a, b) => {
    const [one, other] = [data[a]![column] ?? null, data[b]![column] ?? null]
    if (one === null || other === null) return one === other ? a - b : one === null ? 1 : -1
    return sign * compared(one, other) || a - b
  })
}

function compared(one: NonNullable<Value>, other: NonNullable<Value>): number {
  const [left, right] = [comparable(one), comparable(other)]
  return left < right ? -1 : left > right ? 1 : 0
}

function comparable(value: NonNullable<Value>): string | number | bigint {
  if (typeof value === 'string') return WHOLE.test(value) && value.length >= 16 ? BigInt(value) : value
  return typeof value === 'object' ? JSON.stringify(value) : Number(value)
}

const main = (ucd: string | undefined, word: string) => (ucd ?? '').split(';')[0]!.toLowerCase() === word

/** The columns that say where on the sky a row lies; null where there are none. */
export function places(columns: readonly Field[]): { ra: number; dec: number; region: number } | null {
  const find = (word: string, name: RegExp) => {
    const byMeaning = columns.findIndex((field) => main(field.ucd, word) && isNumber(field))
    return byMeaning >= 0 ? byMeaning : columns.findIndex((field) => isNumber(field) && name.test(field.name))
  }
  const region = columns.findIndex((field) => /region|polygon|circle/i.test(field.xtype ?? '') || field.name.toLowerCase() === 's_region')
  const [ra, dec] = [find('pos.eq.ra', /^(s_)?ra$/i), find('pos.eq.dec', /^(s_)?dec$/i)]
  return region < 0 && (ra < 0 || dec < 0) ? null : { ra, dec, region }
}
