/** The points of a spectrum as a viewer needs them. */
import type { SpectrumDocument } from '../api/types'
import { densityOf, factor, micronsPer, type AxisUnit, type Density } from './units'

export type Value = number | null
export type Which = 'flux' | 'surface_brightness'

export interface Points {
  /** µm where the unit of the file is known, else as the file has it. */
  wavelength: number[]
  wavelengthUnit: string | null
  isWavelength: boolean
  value: Value[]
  error: Value[] | null
  /** Whether data quality forbids the point (DO_NOT_USE). */
  bad: boolean[]
  unit: string | null
}

export function has(document: SpectrumDocument, which: Which): boolean {
  return column(document, which)?.some((value) => value !== null) ?? false
}

export function pointsOf(document: SpectrumDocument, which: Which): Points | null {
  const [wavelength, value] = [column(document, 'wavelength'), column(document, which)]
  if (!wavelength || !value) return null
  const unit = unitOf(document, 'wavelength')
  const per = micronsPer(unit)
  const [error, quality] = [column(document, `${which}_error`), column(document, 'quality')]
  // points without a wavelength have no place; what fills up a table has neither
  const order = [...wavelength.keys()].filter((i) => wavelength[i] !== null).sort((a, b) => wavelength[a]! - wavelength[b]!)
  return {
    wavelength: order.map((i) => wavelength[i]! * (per ?? 1)),
    wavelengthUnit: unit,
    isWavelength: per !== null,
    value: order.map((i) => value[i] ?? null),
    error: error ? order.map((i) => error[i] ?? null) : null,
    bad: order.map((i) => ((quality?.[i] ?? 0) & 1) === 1),
    unit: unitOf(document, which),
  }
}

/** Along x in a unit, growing, and up in another; `bad` points have no value. */
export function shown(points: Points, axis: AxisUnit, rest: number, to: Density | null, width: number): Drawn {
  const from = densityOf(points.unit)
  const by = (micron: number) => (from && to ? factor(from, to, micron) : 1)
  const smooth = smoothed(points.value.map((value, i) => (points.bad[i] ? null : value)), width)
  let rows = points.wavelength.map((micron, i) => ({
    x: points.isWavelength ? axis.from(micron, rest) : micron,
    y: times(smooth[i] ?? null, by(micron)),
    error: times(points.error?.[i] ?? null, by(micron)),
    bad: points.bad[i]!,
  }))
  if (rows.length > 1 && rows[0]!.x > rows.at(-1)!.x) rows = rows.reverse()
  return {
    x: rows.map((row) => row.x),
    y: rows.map((row) => row.y),
    // the error of an average is not that of its points
    error: points.error && width < 2 ? rows.map((row) => row.error) : null,
    tints: runs(rows.map((row) => row.x), rows.map((row) => row.bad)),
  }
}

export interface Drawn {
  x: number[]
  y: Value[]
  error: Value[] | null
  tints: [number, number][]
}

/** A running mean over so many points, without what is unknown; 1 changes nothing. */
export function smoothed(values: readonly Value[], width: number): Value[] {
  if (width < 2) return [...values]
  const half = Math.floor(width / 2)
  return values.map((value, i) => {
    if (value === null) return null
    const near = values.slice(Math.max(0, i - half), i + half + 1).filter((each): each is number => each !== null)
    return near.reduce((sum, each) => sum + each, 0) / near.length
  })
}

/** Ranges of x, half a step wider than the points, in which a condition holds. */
export function runs(x: readonly number[], holds: readonly boolean[]): [number, number][] {
  const found: [number, number][] = []
  for (let i = 0; i < x.length; i++) {
    if (!holds[i]) continue
    const start = i
    while (i + 1 < x.length && holds[i + 1]) i++
    found.push([(x[start]! + (x[start - 1] ?? x[start]!)) / 2, (x[i]! + (x[i + 1] ?? x[i]!)) / 2])
  }
  return found
}

const times = (value: Value, by: number): Value => (value === null ? null : value * by)

function column(document: SpectrumDocument, role: string): Value[] | null {
  const name = document.roles[role]
  return (document.columns.find((each) => each.name === name)?.values as Value[] | undefined) ?? null
}

function unitOf(document: SpectrumDocument, role: string): string | null {
  return document.columns.find((each) => each.name === document.roles[role])?.unit ?? null
}
