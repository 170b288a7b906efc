import { describe, expect, it } from 'vitest'
import { barFor, revealing, scrolled, spacerHeight, tableHeight, TALLEST, visibleRows, type Extent } from './scroll'

const small: Extent = { rows: 1000, rowHeight: 26, viewport: 400 }
const huge: Extent = { rows: 30_000_000, rowHeight: 26, viewport: 400 }

describe('a short table', () => {
  it('scrolls pixel by pixel', () => {
    expect(spacerHeight(small)).toBe(26_000)
    expect(scrolled({ top: 0, bar: 0 }, 5200, small)).toEqual({ top: 5200, bar: 5200 })
  })
})

describe('a table taller than any element may be', () => {
  it('keeps its spacer below the limit of browsers', () => {
    expect(spacerHeight(huge)).toBe(TALLEST)
    expect(TALLEST).toBeLessThan(16_000_000)
  })

  it('reaches the first and the last row at the ends of the bar', () => {
    const end = scrolled({ top: 0, bar: 0 }, TALLEST - huge.viewport, huge)
    expect(visibleRows(end.top, huge).last).toBe(huge.rows - 1)
    expect(scrolled(end, 0, huge).top).toBe(0)
  })

  it('moves by pixels under the wheel, wherever it is', () => {
    let place = scrolled({ top: 0, bar: 0 }, 4_000_000, huge)
    const before = place.top
    for (let i = 0; i < 10; i++) place = scrolled(place, place.bar + 100, huge)
    expect(place.top - before).toBeCloseTo(1000, 6)
  })

  it('jumps in proportion when the bar is dragged', () => {
    const place = scrolled({ top: 0, bar: 0 }, (TALLEST - huge.viewport) / 2, huge)
    expect(place.top / tableHeight(huge)).toBeCloseTo(0.5, 3)
  })

  it('puts the bar where the table is once it rests', () => {
    for (const row of [0, 17, 15_000_000, 29_999_000]) {
      const top = row * huge.rowHeight
      const back = scrolled({ top: 0, bar: -1e9 }, barFor(top, huge), huge)
      // A pixel of the bar stands for some hundred pixels of the table.
      expect(Math.abs(back.top - top)).toBeLessThan((1.1 * tableHeight(huge)) / TALLEST + 1)
    }
  })

  it('never leaves the table', () => {
    expect(scrolled({ top: 50, bar: 300 }, 200, huge).top).toBe(0)
  })
})

it('draws the rows in sight and a few more, and none that do not exist', () => {
  expect(visibleRows(0, small, 6)).toEqual({ first: 0, last: 22 })
  expect(visibleRows(25_600, small, 6).last).toBe(999)
  expect(visibleRows(0, { ...small, rows: 0 }).last).toBe(-1)
})

it('moves as little as brings a row into sight', () => {
  expect(revealing(3, 0, small)).toBe(0)
  expect(revealing(3, 200, small)).toBe(78)
  expect(revealing(30, 0, small)).toBe(31 * 26 - 400)
})
