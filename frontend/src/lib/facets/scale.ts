/** From a value to its place along a histogram, and back. */
import { mjd, utcFromMjd, isoFromMjd } from '../format/times'
import { exposure, figure, wavelength } from '../format/numbers'
import { range } from '../query/grammar'

export interface Scale {
  edges: readonly number[]
  log: boolean
}

/** Place of a value along the bins, 0 to 1, cut at both ends. */
export function along(value: number, { edges, log }: Scale): number {
  const [low, high] = [edges[0]!, edges.at(-1)!]
  const place = log
    ? Math.log(Math.max(value, Number.MIN_VALUE) / low) / Math.log(high / low)
    : (value - low) / (high - low)
  return Number.isFinite(place) ? Math.min(1, Math.max(0, place)) : 0
}

/** The edge nearest to a place along the bins. */
export function nearestEdge(place: number, { edges }: Scale): number {
  return Math.min(edges.length - 1, Math.max(0, Math.round(place * (edges.length - 1))))
}

/** Ticks that read well: powers of ten with 2 and 5 between where there is room, years, or round steps. */
export function ticks(scale: Scale, kind: 'number' | 'time', most = 6): number[] {
  const [low, high] = [scale.edges[0]!, scale.edges.at(-1)!]
  if (kind === 'time') return timeTicks(low, high, most)
  const all = scale.log ? logTicks(low, high) : linearTicks(low, high, most)
  for (let keep = 1; ; keep++) {
    const kept = scale.log ? all.filter((tick) => keep === 1 || isDecade(tick, keep)) : all.filter((_, i) => i % keep === 0)
    if (kept.length <= most || keep > 12) return kept
  }
}

const decadeOf = (value: number) => Math.log10(value)
function isDecade(tick: number, keep: number): boolean {
  const exponent = decadeOf(tick)
  const whole = Math.round(exponent)
  return Math.abs(exponent - whole) < 1e-6 && (keep <= 2 || whole % (keep - 1) === 0)
}

function logTicks(low: number, high: number): number[] {
  const found: number[] = []
  for (let exponent = Math.floor(decadeOf(low)); exponent <= decadeOf(high); exponent++) {
    for (const step of [1, 2, 5]) {
      const tick = Number((step * 10 ** exponent).toPrecision(1))
      if (tick >= low * 0.999 && tick <= high * 1.001) found.push(tick)
    }
  }
  return found
}

function linearTicks(low: number, high: number, most: number): number[] {
  const raw = (high - low) / most
  const power = 10 ** Math.floor(Math.log10(raw))
  return multiples(low, high, [1, 2, 5, 10].map((n) => n * power).find((candidate) => candidate >= raw) ?? raw)
}

function multiples(low: number, high: number, step: number): number[] {
  const found: number[] = []
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(Number((n * step).toPrecision(12)))
  return found
}

const HOURS = [1 / 60, 1 / 12, 1 / 6, 0.5, 1, 2, 3, 6, 12, 24, 48]


function timeTicks(low: number, high: number, most: number): number[] {
  const days = high - low
  if (days < 8) {
    const step = HOURS.map((hours) => hours / 24).find((candidate) => days / candidate <= most) ?? 2
    return multiples(low, high, step)
  }
  const months = [1, 2, 3, 6, 12, 24, 60, 120].find((step) => days / 30.4 / step <= most)
  if (days < 45 || months === undefined) return linearTicks(low, high, Math.min(most, 3))
  const start = new Date(Date.parse(isoFromMjd(low)))
  const found: number[] = []
  let month = start.getUTCFullYear() * 12 + start.getUTCMonth()
  month = Math.ceil(month / months) * months
  for (; found.length < 24; month += months) {
    const tick = mjd(`${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`)
    if (tick > high) break
    if (tick >= low) found.push(tick)
  }
  return found
}

export type Reading = 'wavelength' | 'exposure' | 'time' | 'plain'

/** A value in words. `span` is the width of the histogram in the same unit. */
export function worded(value: number, reading: Reading, span = Infinity): string {
  if (reading === 'wavelength') return wavelength(Number(value.toPrecision(3)))
  if (reading === 'exposure') return exposure(value)
  if (reading === 'time') return utcFromMjd(value, span < 4 ? 'minute' : 'day')
  return figure(value, 4)
}

/** A tick's label: years for long spans, no repeated unit. */
export function tickLabel(value: number, reading: Reading, span: number): string {
  if (reading === 'wavelength') return String(Number((value * 1e6).toPrecision(3)))
  if (reading === 'exposure') return exposure(value)
  if (reading === 'time') {
    if (span < 45) return utcFromMjd(value, span < 4 ? 'minute' : 'day').slice(5)
    const day = utcFromMjd(value + 0.001, 'day')
    return day.endsWith('-01-01') ? day.slice(0, 4) : day.slice(0, 7)
  }
  // Enough figures to tell neighbouring ticks of a narrow span far from zero.
  const leading = span > 0 && value !== 0 ? Math.ceil(Math.log10(Math.abs(value) / span)) : 0
  return figure(value, Math.min(15, Math.max(3, leading + 2)))
}

export interface Mark {
  /** Place along the bins, 0 to 1. */
  at: number
  /** Part of the label, 0 to 1, that lies before that place: labels at the ends stay inside. */
  before: number
  label: string
}

/** The labelled ticks of an axis with room for so many characters; of two that would touch, the first stays. */
export function axis(scale: Scale, kind: 'number' | 'time', reading: Reading, room = 34): Mark[] {
  const span = scale.edges.at(-1)! - scale.edges[0]!
  const most = reading === 'time' ? (span < 4 ? 2 : 5) : 7
  const marks: Mark[] = []
  let free = -Infinity
  for (const tick of ticks(scale, kind, most)) {
    const at = along(tick, scale)
    const label = tickLabel(tick, reading, span)
    const before = at < 0.12 ? 0 : at > 0.88 ? 1 : 0.5
    const start = at * room - before * label.length
    if (start < free) continue
    marks.push({ at, before, label })
    free = start + label.length + 1
  }
  return marks
}

/** The filter of a brush; null leaves an end open. `step` is the width of a bin: dates need not be finer. */
export function brushed(
  column: string,
  low: number | null,
  high: number | null,
  kind: 'number' | 'time',
  step: number,
): Record<string, string | undefined> {
  const from = low === null ? '' : bound(low, kind, 'low', step)
  const to = high === null ? '' : bound(high, kind, 'high', step)
  return { [column]: from || to ? `${from}..${to}` : undefined }
}

/** The brush that the filters say; null for an open end. */
export function brush(
  column: string,
  filters: Readonly<Record<string, string>>,
  kind: 'number' | 'time',
): { low: number | null; high: number | null } {
  const read = (text: string | null) => {
    if (text === null) return null
    const value = kind === 'time' ? mjd(text) : Number(text)
    return Number.isFinite(value) ? value : null
  }
  const { low, high } = range(filters[column])
  return { low: read(low), high: read(high) }
}

/** An edge as text, rounded outwards so that what stands at the edge stays in. */
function bound(value: number, kind: 'number' | 'time', side: 'low' | 'high', step: number): string {
  const rounded = side === 'low' ? Math.floor : Math.ceil
  if (kind === 'time') {
    // A day as an upper end means all of it.
    if (step >= 2) return isoFromMjd(value - (side === 'high' ? 1e-6 : 0), 'day')
    return isoFromMjd(rounded(value * 86400 + (side === 'low' ? 1e-3 : -1e-3)) / 86400, 'second')
  }
  if (value === 0) return '0'
  const power = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 4)
  const tidy = Number((rounded(value / power + (side === 'low' ? 1e-7 : -1e-7)) * power).toPrecision(6))
  return Math.abs(tidy) < 1e-3 ? tidy.toExponential() : String(tidy)
}
