import { describe, expect, it } from 'vitest'
import { mjd } from '../format/times'
import { along, axis, brush, brushed, nearestEdge, tickLabel, ticks, worded } from './scale'

const logScale = { edges: Array.from({ length: 41 }, (_, i) => 10 * 10 ** (i / 10)), log: true }
const years = { edges: Array.from({ length: 49 }, (_, i) => mjd('2022-06-01') + i * 30), log: false }

describe('a place along the bins', () => {
  it('is even in the logarithm', () => {
    expect(along(10, logScale)).toBe(0)
    expect(along(1000, logScale)).toBeCloseTo(0.5, 9)
    expect(along(1e9, logScale)).toBe(1)
    expect(along(0, logScale)).toBe(0)
  })

  it('meets its edge again', () => {
    for (const edge of [0, 7, 40]) expect(nearestEdge(along(logScale.edges[edge]!, logScale), logScale)).toBe(edge)
  })
})

describe('a brush', () => {
  it.each([
    [3, 20],
    [0, 11],
    [17, 40],
  ])('from edge %i to %i is read back where it was', (low, high) => {
    const filters = brushed('t_exptime', logScale.edges[low]!, logScale.edges[high]!, 'number', 1)
    const back = brush('t_exptime', { t_exptime: filters['t_exptime']! }, 'number')
    expect(nearestEdge(along(back.low!, logScale), logScale)).toBe(low)
    expect(nearestEdge(along(back.high!, logScale), logScale)).toBe(high)
  })

  it('rounds outwards, so that what stands at an edge stays in', () => {
    const text = brushed('t_exptime', 123.456789, 987.654321, 'number', 1)['t_exptime']!
    const [low, high] = text.split('..').map(Number)
    expect(low).toBeLessThanOrEqual(123.456789)
    expect(high).toBeGreaterThanOrEqual(987.654321)
    expect(high! - low!).toBeLessThan(865)
  })

  it('writes days for long spans and seconds for short ones', () => {
    expect(brushed('t_min', mjd('2023-03-05'), null, 'time', 30)).toEqual({ t_min: '2023-03-05..' })
    expect(brushed('t_min', null, mjd('2023-03-05'), 'time', 30)).toEqual({ t_min: '..2023-03-04' })
    expect(brushed('t_min', mjd('2023-03-05') + 0.25, null, 'time', 0.01)).toEqual({ t_min: '2023-03-05T06:00:00Z..' })
  })

  it('over everything is no filter', () => {
    expect(brushed('em', null, null, 'number', 1)).toEqual({ em: undefined })
  })

  it('reads dates of a time filter as MJD', () => {
    expect(brush('t_min', { t_min: '2023-01-01..' }, 'time')).toEqual({ low: mjd('2023-01-01'), high: null })
  })
})

describe('ticks', () => {
  it('stay few and inside', () => {
    for (const [scale, kind] of [
      [logScale, 'number'],
      [years, 'time'],
      [{ edges: [0, 0.5, 1], log: false }, 'number'],
      [{ edges: [mjd('2023-01-01'), mjd('2023-01-02')], log: false }, 'time'],
    ] as const) {
      const found = ticks(scale, kind)
      expect(found.length).toBeGreaterThan(0)
      expect(found.length).toBeLessThanOrEqual(8)
      for (const tick of found) {
        expect(tick).toBeGreaterThanOrEqual(scale.edges[0]! * 0.999)
        expect(tick).toBeLessThanOrEqual(scale.edges.at(-1)! * 1.001)
      }
    }
  })

  it('of years are labelled by year', () => {
    const labels = ticks(years, 'time').map((tick) => tickLabel(tick, 'time', 1440))
    expect(labels).toContain('2023')
    expect(labels).toContain('2025')
  })
})

it('labels of an axis never touch', () => {
  const uneven = { edges: Array.from({ length: 41 }, (_, i) => 30 * 1.12 ** i), log: true }
  for (const [scale, kind, reading] of [
    [uneven, 'number', 'exposure'],
    [logScale, 'number', 'exposure'],
    [years, 'time', 'time'],
    [{ edges: [mjd('2025-03-11'), mjd('2025-03-12')], log: false }, 'time', 'time'],
  ] as const) {
    const marks = axis(scale, kind, reading, 34)
    expect(marks.length).toBeGreaterThan(0)
    marks.slice(1).forEach((mark, i) => {
      const last = marks[i]!
      const end = last.at * 34 + (1 - last.before) * last.label.length
      expect(mark.at * 34 - mark.before * mark.label.length).toBeGreaterThan(end)
    })
  }
})

it('says values in the words of their quantity', () => {
  expect(worded(9e-7, 'wavelength')).toBe('0.9 µm')
  expect(worded(90, 'exposure')).toBe('90 s')
  expect(worded(mjd('2025-09-01'), 'time', 900)).toBe('2025-09-01')
})

it('tells the ticks of a narrow span far from zero apart', () => {
  expect(axis({ edges: [159.19, 159.24], log: false }, 'number', 'plain', 60).map((mark) => mark.label)).toEqual(['159.19', '159.2', '159.21', '159.22', '159.23', '159.24'])
})
