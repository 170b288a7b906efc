/** How a column of the archive looks in the table: caption, width, and text of a value. */
import type { Cell, ColumnDescription } from '../api/types'
import { degrees, hours, MINUS, type CoordinateStyle } from '../format/angles'
import { instrument } from '../format/names'
import { figure, size, wavelength } from '../format/numbers'
import { isoFromMjd, utc, utcFromMjd } from '../format/times'

export interface TableColumn {
  name: string
  caption: string
  /** Shown on hovering the head: description and unit. */
  hint: string
  width: number
  /** Width it may grow to where there is room. */
  most: number
  align: 'left' | 'right'
  face: 'mono' | 'sans'
  /** Which end of a text too long is kept: an identifier loses the prefix that it shares with others. */
  keeps: 'start' | 'end'
  text: (value: Cell, style: CoordinateStyle) => string
  /** The value at full precision, for the title and the clipboard. */
  full: (value: Cell) => string
}

/** The order in which the columns that the archive shows by itself stand side by side. */
const FIRST = [
  'obs_id',
  'matched_target',
  'target_separation',
  'target_name',
  's_ra',
  's_dec',
  'instrument_name',
  'filters',
  't_exptime',
  't_min',
  'calib_level',
  'access_estsize',
  'proposal_id',
]

/** Heads that say more, or the same in less room. */
const HEADS: Record<string, string> = {
  matched_target: 'Of the list',
  target_separation: 'Sep. ″',
  matched_targets: 'Targets',
  t_exptime: 'Exp. s', t_min: 'Start UT', t_max: 'End UT', proposal_id: 'Prog.' }

const WIDTHS: Record<string, number> = {
  obs_id: 186,
  target_name: 118,
  matched_target: 118,
  target_separation: 60,
  matched_targets: 56,
  s_ra: 80,
  s_dec: 75,
  instrument_name: 80,
  filters: 85,
  t_exptime: 53,
  t_min: 122,
  t_max: 122,
  calib_level: 52,
  access_estsize: 60,
  proposal_id: 48,
  proposal_title: 260,
  s_region: 260,
}

/** How wide a column may grow where there is room. */
const ROOMY: Record<string, number> = { obs_id: 290, target_name: 190, filters: 170, proposal_title: 460 }

type Looks = Pick<TableColumn, 'align' | 'face' | 'text'> & { width: number; full?: (value: Cell) => string }

const number = (text: (value: number, style: CoordinateStyle) => string, width: number, full?: (value: Cell) => string): Looks => ({
  align: 'right',
  face: 'mono',
  width,
  text: (value, style) => (value === null ? '' : text(Number(value), style)),
  ...(full ? { full } : {}),
})

const plainNumber = (value: Cell) => (value === null ? '' : String(value))
const asMjd = (value: Cell) => (value === null ? '' : `${isoFromMjd(Number(value))} (MJD ${String(value)})`)

function looks(column: ColumnDescription): Looks {
  const { name, type, unit } = column
  if (name === 's_ra') return { ...number((v, style) => (style === 'decimal' ? v.toFixed(5) : hours(v)), 88), align: 'left' }
  if (name === 's_dec') {
    const decimal = (v: number) => (v < 0 ? MINUS : '+') + Math.abs(v).toFixed(5)
    return { ...number((v, style) => (style === 'decimal' ? decimal(v) : degrees(v)), 84), align: 'left' }
  }
  if (name === 't_min' || name === 't_max') return { ...number((v) => utcFromMjd(v), 134, asMjd), align: 'left' }
  if (name === 'target_separation') return number((v) => v.toFixed(1), 60)
  if (name === 't_exptime') return number((v) => (v < 100 ? v.toFixed(1) : v.toFixed(0)), 70)
  if (unit === 'm') return number((v) => wavelength(v), 86)
  if (unit === 'byte') return number((v) => size(v), 76, (v) => (v === null ? '' : `${v} bytes`))
  if (type === 'timestamp') {
    return { align: 'left', face: 'mono', width: 134, text: (v) => (v === null ? '' : utc(String(v))) }
  }
  if (name === 'instrument_name') {
    return { align: 'left', face: 'sans', width: 96, text: (v) => (v === null ? '' : instrument(String(v))) }
  }
  if (name === 'calib_level') return { align: 'left', face: 'sans', width: 62, text: plainNumber }
  if (type === 'float64') return number((v) => figure(v), 90)
  if (type === 'int32') return number((v) => figure(v, 9), 74)
  if (type === 'bool') {
    return { align: 'left', face: 'sans', width: 64, text: (v) => (v === null ? '' : v ? 'yes' : 'no') }
  }
  const identifier = /_id$|_number$|^filters$|detector|_product$|cal_ver|crds_ctx|healpix|aperture|subarray|s_region/.test(name)
  return { align: 'left', face: identifier ? 'mono' : 'sans', width: 130, text: plainNumber }
}

export function tableColumn(column: ColumnDescription): TableColumn {
  const look = looks(column)
  return {
    full: plainNumber,
    keeps: /^obs_id$|_product$/.test(column.name) ? 'end' : 'start',
    ...look,
    name: column.name,
    caption: HEADS[column.name] ?? column.caption,
    hint: `${column.description}${column.unit ? ` [${column.unit}]` : ''}`,
    width: WIDTHS[column.name] ?? look.width,
    most: ROOMY[column.name] ?? WIDTHS[column.name] ?? look.width,
  }
}

/** Names of the columns shown when the user has chosen none. */
export function shownColumns(all: readonly ColumnDescription[]): string[] {
  const shown = all.filter((column) => column.shown).map((column) => column.name)
  const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length)
  return shown.sort((a, b) => place(a) - place(b))
}

/** Columns that table and thumbnails need besides those shown. */
export const NEEDED = ['obs_number', 'obs_id', 'instrument_name', 'data_release', 'main_product', 'preview_product', 'target_name', 'filters'] as const

/** Suffix of a product name: `i2d`. */
export function suffix(filename: Cell | undefined): string {
  return /_([a-z0-9]+)\.[a-z.]+$/.exec(String(filename ?? ''))?.[1] ?? ''
}

/** Whether the bytes of a row are under exclusive access still, as far as its release date tells. */
export function isLocked(release: Cell | undefined): boolean {
  return typeof release === 'string' && Date.parse(release) > Date.now()
}
