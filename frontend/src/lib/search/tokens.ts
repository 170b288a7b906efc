/** The parts of a query that the search line shows as tokens. */
import { facetNames } from '../facets/order'
import type { Resolved, TargetList } from '../api/types'
import { position, separation, type CoordinateStyle } from '../format/angles'
import { items, unescape } from '../query/grammar'
import { withFilters, type Query } from '../query/query'

export interface Token {
  id: string
  key: string
  value: string
  /** Where the value was resolved to. */
  note: string
  /** Who knew the name, and what else it is called. */
  title?: string
  /** The query without it. */
  without: Query
}

const KEYS: Record<string, string> = { proposal_id: 'programme', obs_id: 'observation', target_name: 'target' }

/** Where a place is; of a body that moves, where it is now. */
export function where(place: Resolved, style: CoordinateStyle): string {
  if (place.ra === null || place.dec === null) return place.kind === 'moving' ? 'moves' : ''
  return `${place.kind === 'moving' ? 'now ' : ''}${position(place.ra, place.dec, style)}`
}

/** Who knew a name. */
export function origin({ name, label, resolver, moment }: Resolved): string {
  if (resolver === 'coordinates') return ''
  const known = label === null ? name : `${name} (${label})`
  return `${known}, by ${resolver}${moment === null ? '' : `, seen from the Earth at ${moment}`}`
}

/** The radius around the targets of a list when none is asked for, as the server has it. */
export const TARGET_RADIUS = "1'"

/** The query without its list, whose columns go with it. */
export function withoutTargets(query: Query): Query {
  const isOfList = (name: string) => name.startsWith('matched_target') || name === 'target_separation'
  return {
    ...query,
    targets: null,
    radius: null,
    match: 'footprint',
    sort: query.sort.filter((key) => !isOfList(key.column)),
    columns: query.columns?.filter((name) => !isOfList(name)) ?? null,
  }
}

export function tokens(query: Query, resolved: Resolved | null, style: CoordinateStyle, list: TargetList | null = null): Token[] {
  const found: Token[] = []
  if (query.targets) {
    const searched = list === null ? '' : `${list.resolved} of ${list.targets.length}`
    found.push({ id: 'targets', key: 'targets', value: list?.name ?? '…', note: searched, title: 'All of them at once; the report is under Target list', without: withoutTargets(query) })
    const radius = query.radius ?? TARGET_RADIUS
    found.push({ id: 'radius', key: 'within', value: radius.replace("'", '′').replace('"', '″').replace('d', '°'), note: '', without: { ...query, radius: null } })
    if (query.match === 'center') found.push({ id: 'match', key: 'match', value: 'centre', note: '', without: { ...query, match: 'footprint' } })
  }
  if (query.position) {
    const isPlace = resolved !== null && resolved.kind !== 'region'
    found.push({
      id: 'position',
      key: resolved?.kind === 'moving' ? 'moving' : isPlace || resolved === null ? 'position' : 'region',
      value: query.position,
      note: isPlace ? where(resolved, style) : '',
      ...(isPlace ? { title: origin(resolved) } : {}),
      without: { ...query, position: null, radius: null, match: 'footprint' },
    })
    if (isPlace && resolved.radius != null) {
      found.push({
        id: 'radius',
        key: 'within',
        value: separation(resolved.radius),
        note: '',
        without: { ...query, radius: null },
      })
    }
    if (query.match === 'center') {
      found.push({ id: 'match', key: 'match', value: 'centre', note: '', without: { ...query, match: 'footprint' } })
    }
  }
  if (query.text) found.push({ id: 'text', key: 'words', value: query.text, note: '', without: { ...query, text: null } })
  const inPanel = new Set(facetNames(query))
  for (const [column, value] of Object.entries(query.filters)) {
    if (inPanel.has(column)) continue
    const list = items(value)
    found.push({
      id: column,
      key: KEYS[column] ?? column,
      value: list.length > 3 ? `${list.length} values` : list.length ? list.map(unescape).join(', ') : value,
      note: '',
      without: withFilters(query, { [column]: undefined }),
    })
  }
  return found
}
