/** From a value on an axis of a plot to its place, and from places back to filters. */
import type { ScatterAnswer, ScatterAxis } from '../api/types'
import { brushed, nearestEdge, along, axis as marks, type Mark, type Reading, type Scale } from '../facets/scale'
import { escape } from '../query/grammar'

/** What a plot draws, wherever its rows come from. */
export type Figure = Pick<ScatterAnswer, 'total' | 'points' | 'density' | 'x' | 'y'>

type Value = number | string | boolean

export const scaleOf = (axis: ScatterAxis): Scale => ({ edges: axis.edges, log: axis.scale === 'log' })

/** Place of a value along an axis, 0 to 1; null where the axis has none for it. */
export function place(value: Value, axis: ScatterAxis): number | null {
  if (axis.kind === 'category') {
    const lane = axis.lanes.indexOf(value)
    return lane < 0 ? null : (lane + 0.5) / axis.lanes.length
  }
  const number = Number(value)
  if (!Number.isFinite(number) || axis.edges.length < 2) return null
  return axis.edges[0] === axis.edges.at(-1) ? 0.5 : along(number, scaleOf(axis))
}

/** The filter that keeps what lies between two places of an axis; nothing where it spans all of it. */
export function kept(axis: ScatterAxis, from: number, to: number): Record<string, string | undefined> {
  const [low, high] = from < to ? [from, to] : [to, from]
  if (axis.kind === 'category') {
    const lanes = axis.lanes.filter((_, lane) => (lane + 1) / axis.lanes.length > low && lane / axis.lanes.length < high)
    const all = lanes.length === axis.lanes.length || lanes.length === 0
    return all ? {} : { [axis.column]: lanes.map(escape).join(',') }
  }
  const scale = scaleOf(axis)
  const last = axis.edges.length - 1
  const [first, end] = [nearestEdge(low, scale), nearestEdge(high, scale)]
  // A brush narrower than a cell still means the cell it lies in.
  const [start, stop] = first === end ? [Math.min(Math.floor(low * last), last - 1), Math.min(Math.floor(low * last), last - 1) + 1] : [first, end]
  if (last < 1 || (start === 0 && stop === last)) return {}
  const step = (axis.edges[last]! - axis.edges[0]!) / last
  return brushed(axis.column, start === 0 ? null : axis.edges[start]!, stop === last ? null : axis.edges[stop]!, axis.kind, step)
}

/** The labelled marks of an axis; `room` in characters. */
export function labels(axis: ScatterAxis, reading: Reading, room: number): Mark[] {
  if (axis.kind === 'category') {
    return axis.lanes.map((lane, i) => ({ at: (i + 0.5) / axis.lanes.length, before: 0.5, label: String(lane) }))
  }
  return axis.edges.length < 2 ? [] : marks(scaleOf(axis), axis.kind, reading, room)
}
