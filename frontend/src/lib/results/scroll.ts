/**
 * From scroll bar to row number.
 *
 * No element can be as tall as a million rows (Chromium stops at 33,554,428 px, Firefox earlier), so the spacer has a
 * greatest height. Below it one pixel of scrolling is one pixel of table. Above it the wheel still moves by pixels,
 * and a drag of the bar jumps by proportion.
 */

export const TALLEST = 8_000_000

export interface Extent {
  rows: number
  rowHeight: number
  /** Height of the window onto the rows. */
  viewport: number
}

/** Where the table is: `top` in pixels of the whole table, `bar` in pixels of the scroll bar. */
export interface Place {
  top: number
  bar: number
}

export function tableHeight(extent: Extent): number {
  return extent.rows * extent.rowHeight
}

export function spacerHeight(extent: Extent): number {
  return Math.min(tableHeight(extent), TALLEST)
}

const reach = (height: number, extent: Extent) => Math.max(0, height - extent.viewport)

/** The place after the scroll bar moved to `bar`. */
export function scrolled(before: Place, bar: number, extent: Extent): Place {
  const whole = reach(tableHeight(extent), extent)
  const range = reach(spacerHeight(extent), extent)
  if (whole === range) return { top: bar, bar }
  if (bar <= 0) return { top: 0, bar }
  if (bar >= range) return { top: whole, bar }
  const moved = bar - before.bar
  const step = Math.abs(moved) <= 2 * extent.viewport
  const top = step ? before.top + moved : (bar / range) * whole
  return { top: Math.min(Math.max(top, 0), whole), bar }
}

/** Where the bar belongs for a place in the table; it is moved there once scrolling rests. */
export function barFor(top: number, extent: Extent): number {
  const whole = reach(tableHeight(extent), extent)
  const range = reach(spacerHeight(extent), extent)
  return whole === 0 ? 0 : Math.round((top / whole) * range)
}

/** The rows to draw, with a few beyond both edges. */
export function visibleRows(top: number, extent: Extent, spare = 6): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / extent.rowHeight) - spare)
  const last = Math.min(extent.rows - 1, Math.ceil((top + extent.viewport) / extent.rowHeight) + spare)
  return { first, last }
}

/** The least move that brings a row into the window. */
export function revealing(row: number, top: number, extent: Extent): number {
  const above = row * extent.rowHeight
  const below = above + extent.rowHeight - extent.viewport
  if (above < top) return above
  return below > top ? below : top
}
