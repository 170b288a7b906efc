/** Two columns of a query as a plot. */
import type { ScatterAxis } from '../api/types'
import type { Figure } from '../plot/axes'
import { isCategory, isNumber, written, type Field, type Value } from './answer'

export interface Axes {
  x: string
  y: string
  logX: boolean
  logY: boolean
}

/** Values that get a lane each; the rest have none. */
const MOST_LANES = 24
/** Room beyond the outermost points, as a part of the axis. */
const MARGIN = 0.03

export const canPlot = (field: Field) => isNumber(field) || isCategory(field)
export const isTime = (field: Field) => field.unit === 'd' && (field.ucd ?? '').startsWith('time')

/** The plot; rows without a value on both axes are left out. */
export function figureOf(columns: readonly Field[], data: readonly Value[][], axes: Axes): Figure {
  const at = (name: string) => columns.findIndex((field) => field.name === name)
  const [x, y] = [axis(columns, data, at(axes.x), axes.logX), axis(columns, data, at(axes.y), axes.logY)]
  const rows = data.flatMap((row, i) => (x.has(row) && y.has(row) ? [i] : []))
  const instrument = at('instrument_name')
  const name = at('obs_id')
  return {
    total: rows.length,
    density: null,
    points: {
      obs_number: rows.map(String),
      obs_id: rows.map((row) => (name < 0 ? `Row ${row + 1}` : written(data[row]![name]))),
      instrument_name: rows.map((row) => (instrument < 0 ? '' : written(data[row]![instrument]))),
      x: rows.map((row) => x.value(data[row]!)),
      y: rows.map((row) => y.value(data[row]!)),
    },
    x: x.axis,
    y: y.axis,
  }
}

function axis(columns: readonly Field[], data: readonly Value[][], at: number, log: boolean) {
  const field = columns[at]!
  const made: ScatterAxis = { column: field.name, kind: 'category', scale: 'linear', unit: field.unit ?? null, edges: [], lanes: [], more: 0 }
  if (!isNumber(field)) {
    const counts = new Map<string, number>()
    for (const row of data) if (row[at] !== null) counts.set(written(row[at]), (counts.get(written(row[at])) ?? 0) + 1)
    const often = [...counts].sort((one, other) => other[1] - one[1]).slice(0, MOST_LANES)
    const lanes = often.map(([lane]) => lane).sort()
    const known = new Set(lanes)
    return { axis: { ...made, lanes, more: counts.size - lanes.length }, has: (row: Value[]) => row[at] !== null && known.has(written(row[at])), value: (row: Value[]) => written(row[at]) }
  }
  const has = (row: Value[]) => row[at] !== null && Number.isFinite(Number(row[at])) && (!log || Number(row[at]) > 0)
  let [low, high] = [Infinity, -Infinity]
  for (const row of data) {
    if (!has(row)) continue
    low = Math.min(low, Number(row[at]))
    high = Math.max(high, Number(row[at]))
  }
  const kind = isTime(field) ? 'time' : 'number'
  const edges = low > high ? [] : widened(low, high, log)
  return { axis: { ...made, kind, scale: log ? 'log' : 'linear', edges } satisfies ScatterAxis, has, value: (row: Value[]) => Number(row[at]) }
}

function widened(low: number, high: number, log: boolean): number[] {
  if (low === high) return log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2]
  const by = log ? (high / low) ** MARGIN : MARGIN * (high - low)
  return log ? [low / by, high * by] : [low - by, high + by]
}
