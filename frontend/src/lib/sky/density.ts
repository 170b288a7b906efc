/** Counts per HEALPix cell, drawn instead of outlines when too many footprints are in view. */
import type { Camera } from './camera'
import type { FootprintSet } from './footprints'
import { cellOf } from './healpix'

/** Above this many footprints in view a density map replaces the outlines. */
export const MOST_OUTLINES = 20_000
const CELL_PIXELS = 11
const LARGEST_ORDER = 12
/** Side of the square with the area of one of the twelve base cells, in degrees. */
const BASE_CELL = 58.63

export interface Density {
  order: number
  counts: Map<number, number>
  highest: number
}

/** Order whose cells are about eleven pixels wide. */
export function densityOrder(camera: Camera): number {
  const order = Math.round(Math.log2(BASE_CELL / (CELL_PIXELS * camera.pixel)))
  return Math.max(1, Math.min(LARGEST_ORDER, order))
}

export function countCells(set: FootprintSet, visible: readonly number[], order: number): Density {
  const counts = new Map<number, number>()
  let highest = 0
  for (const i of visible) {
    const cell = cellOf(order, set.centres[3 * i]!, set.centres[3 * i + 1]!, set.centres[3 * i + 2]!)
    const count = (counts.get(cell) ?? 0) + 1
    counts.set(cell, count)
    highest = Math.max(highest, count)
  }
  return { order, counts, highest }
}
