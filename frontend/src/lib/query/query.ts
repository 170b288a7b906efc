/** A question to the archive, and its address. What the address holds is all there is to a view. */

import type { View as Look } from '../sky/camera'
import { FRAMES, type Frame } from '../sky/frames'

export interface SortKey {
  column: string
  descending: boolean
}

export interface Query {
  /** What to resolve: a name, coordinates, or a region in DALI words. */
  position: string | null
  /** Identifier of a list of targets, in place of a position. */
  targets: string | null
  /** Radius with its unit, as typed: `12'`. */
  radius: string | null
  match: 'footprint' | 'center'
  text: string | null
  /** Column (or `access` or `em`) to a value in the grammar of `grammar.ts`. */
  filters: Readonly<Record<string, string>>
  /** Empty for the order that suits the question: best match first where there are words, else newest first. */
  sort: readonly SortKey[]
  /** Columns of the table in order; null for those the archive shows by itself. */
  columns: readonly string[] | null
  /** Columns of the filter panel in order; null for the usual ones. */
  facets: readonly string[] | null
}

/** What the sky shows. */
export type SkyPlace = Look
/** How results are shown. */
export const SHOWN_AS = ['table', 'thumbnails', 'timeline', 'plot'] as const
/** What a plot counts observations by name: its upward axis may be their number. */
export const COUNT = 'count'
export interface Axes {
  x: string
  y: string
}
export type ShownAs = (typeof SHOWN_AS)[number]
const PROJECTIONS: readonly Look['projection'][] = ['auto', 'TAN', 'SIN', 'AIT']

export interface View {
  query: Query
  /** obs_id of the focused row. */
  focus: string | null
  sky: SkyPlace | null
  /** In which positions are read and the graticule is drawn. */
  frame: Frame
  show: ShownAs
  /** Columns of the plot; null for the usual ones. */
  plot: Axes | null
}

export const EMPTY: Query = {
  position: null,
  targets: null,
  radius: null,
  match: 'footprint',
  text: null,
  filters: {},
  sort: [],
  columns: null,
  facets: null,
}

const OWN = new Set(['position', 'targets', 'radius', 'match', 'text', 'sort', 'columns', 'facets', 'focus', 'sky', 'frame', 'show', 'plot', 'limit', 'after', 'snapshot'])

export function parseSort(text: string | null): readonly SortKey[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => /^-?\w+$/.test(word))
    .map((word) => ({ column: word.replace('-', ''), descending: word.startsWith('-') }))
}

/** The sort keys that hold, also where none was chosen; empty when rows come by relevance. */
export function sortInForce(query: Query): readonly SortKey[] {
  if (query.sort.length || query.text) return query.sort
  return [{ column: 't_min', descending: true }]
}

export function writeSort(sort: readonly SortKey[]): string {
  return sort.map((key) => (key.descending ? '-' : '') + key.column).join(',')
}

export function parseSky(text: string | null): SkyPlace | null {
  const [ra, dec, fov, projection = 'auto', turn = '0'] = (text ?? '').split(',')
  const numbers = [ra, dec, fov].map((word) => (word ? Number(word) : NaN))
  if (!numbers.every(Number.isFinite) || numbers[2]! <= 0 || Math.abs(numbers[1]!) > 90) return null
  const known = PROJECTIONS.find((name) => name === projection) ?? 'auto'
  const roll = Number(turn)
  return { ra: numbers[0]!, dec: numbers[1]!, fov: numbers[2]!, projection: known, roll: Number.isFinite(roll) ? roll : 0 }
}

export function writeSky(sky: SkyPlace): string {
  // A thousandth of the field is finer than a pixel.
  const digits = Math.min(9, Math.max(2, Math.ceil(4 - Math.log10(sky.fov))))
  const place = [sky.ra, sky.dec].map((angle) => Number(angle.toFixed(digits)))
  const words: (number | string)[] = [...place, Number(sky.fov.toPrecision(5))]
  const roll = Number(sky.roll.toFixed(2))
  if (sky.projection !== 'auto' || roll) words.push(sky.projection)
  if (roll) words.push(roll)
  return words.join(',')
}

export function parseAddress(search: string): View {
  const given = new URLSearchParams(search)
  const filters: Record<string, string> = {}
  for (const [name, value] of given) if (!OWN.has(name) && value !== '') filters[name] = value
  const list = (name: string) => given.get(name)?.split(',').filter(Boolean) ?? []
  const [columns, facets] = [list('columns'), list('facets')]
  const query: Query = {
    position: given.get('targets') ? null : given.get('position') || null,
    targets: given.get('targets') || null,
    radius: given.get('radius') || null,
    match: given.get('match') === 'center' ? 'center' : 'footprint',
    text: given.get('text') || null,
    filters,
    sort: parseSort(given.get('sort')),
    columns: columns.length ? columns : null,
    facets: facets.length ? facets : null,
  }
  const [x, y] = list('plot')
  return {
    query,
    focus: given.get('focus') || null,
    plot: x && y ? { x, y } : null,
    sky: parseSky(given.get('sky')),
    frame: FRAMES.find((name) => name === given.get('frame')?.toUpperCase()) ?? 'ICRS',
    show: SHOWN_AS.find((name) => name === given.get('show')) ?? 'table',
  }
}

/** Parameters that decide which observations are found; the same names in the address and in the API. */
export function restriction(query: Query): Record<string, string> {
  const parameters: Record<string, string> = {}
  if (query.targets ?? query.position) {
    if (query.targets) parameters['targets'] = query.targets
    else parameters['position'] = query.position!
    if (query.radius) parameters['radius'] = query.radius
    if (query.match !== 'footprint') parameters['match'] = query.match
  }
  if (query.text) parameters['text'] = query.text
  for (const name of Object.keys(query.filters).sort()) parameters[name] = query.filters[name]!
  return parameters
}

/** Percent-encoding that leaves what reads well and is safe in a query string. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/%20/g, '+').replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%2F/g, '/')
}

export function writeParameters(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .join('&')
}

/** The query string of a view: canonical, and empty for the first page. */
export function writeAddress(view: View): string {
  const parameters = restriction(view.query)
  if (view.query.sort.length) parameters['sort'] = writeSort(view.query.sort)
  if (view.query.columns) parameters['columns'] = view.query.columns.join(',')
  if (view.query.facets) parameters['facets'] = view.query.facets.join(',')
  if (view.show !== 'table') parameters['show'] = view.show
  if (view.plot) parameters['plot'] = `${view.plot.x},${view.plot.y}`
  if (view.focus) parameters['focus'] = view.focus
  if (view.sky) parameters['sky'] = writeSky(view.sky)
  if (view.frame !== 'ICRS') parameters['frame'] = view.frame.toLowerCase()
  const text = writeParameters(parameters)
  return text && `?${text}`
}

/** The parameters of a whole search: what is found, and in which order. */
export function search(query: Query): Record<string, string> {
  return query.sort.length ? { ...restriction(query), sort: writeSort(query.sort) } : restriction(query)
}

/** Whether nothing restricts the query: the first visit. */
export function isUnrestricted(query: Query): boolean {
  return Object.keys(restriction(query)).length === 0
}

/** The query with some filters replaced; undefined removes one. */
export function withFilters(query: Query, changes: Record<string, string | undefined>): Query {
  const filters: Record<string, string> = { ...query.filters }
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') delete filters[name]
    else filters[name] = value
  }
  return { ...query, filters }
}
