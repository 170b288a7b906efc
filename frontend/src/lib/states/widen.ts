/** Ways out of an answer without rows. */
import type { ColumnDescription, FacetAnswer } from '../api/types'
import { facetOf } from '../facets/order'
import { instrument, level } from '../format/names'
import { items, unescape } from '../query/grammar'
import { withFilters, type Query } from '../query/query'

export interface WayOut {
  label: string
  count: number
  query: Query
}

/**
 * Queries with one filter less that find something, most first. A facet counts under all other filters, so the sum
 * of its counts is what is found without it.
 */
export function lessOneFilter(query: Query, answer: FacetAnswer | null, columns: readonly ColumnDescription[]): WayOut[] {
  const found: WayOut[] = []
  for (const facet of answer?.facets ?? []) {
    const filter = query.filters[facet.column]
    if (filter === undefined) continue
    const count =
      facet.kind === 'category'
        ? facet.values.reduce((sum, value) => sum + value.count, 0)
        : facet.counts.reduce((sum, value) => sum + value, facet.nulls)
    if (count === 0) continue
    const { caption } = facetOf(facet.column, columns)
    const without = withFilters(query, { [facet.column]: undefined })
    found.push({ label: `Drop “${said(facet.column, filter, caption)}”`, count, query: without })
  }
  return found.sort((a, b) => b.count - a.count)
}

function said(column: string, filter: string, caption: string): string {
  const [only, ...others] = items(filter).map(unescape)
  if (only === undefined || others.length) return caption.toLowerCase()
  if (column === 'instrument_name') return `${instrument(only)} only`
  if (column === 'calib_level') return `${level(only)} only`
  return `${only} only`
}

/** Radii to try in turn, in degrees. */
export function widerRadii(radius: number): number[] {
  return [5, 25, 125, 625].map((times) => rounded(radius * times)).filter((wider) => wider <= 20)
}

/** The next radius upwards that people would name. */
function rounded(degrees: number): number {
  const unit = degrees < 1 / 60 ? 3600 : degrees < 1 ? 60 : 1
  const value = degrees * unit * (1 - 1e-9)
  return ([1, 2, 3, 5, 10, 15, 20, 30, 60].find((round) => round >= value) ?? Math.ceil(value)) / unit
}

/** A radius as the search takes it. */
export function radiusText(degrees: number): string {
  const round = (value: number) => Number(value.toPrecision(2))
  if (degrees < 1 / 60) return `${round(degrees * 3600)}"`
  return degrees < 1 ? `${round(degrees * 60)}'` : `${round(degrees)}d`
}
