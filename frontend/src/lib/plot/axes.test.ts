import { describe, expect, it } from 'vitest'
import type { ScatterAxis } from '../api/types'
import { kept, labels, place } from './axes'

const exposure: ScatterAxis = { column: 't_exptime', kind: 'number', scale: 'log', unit: 's', edges: [1, 10, 100, 1000], lanes: [], more: 0 }
const instrument: ScatterAxis = { column: 'instrument_name', kind: 'category', scale: 'linear', unit: null, edges: [], lanes: ['NIRCAM', 'MIRI', 'A,B', 'FGS'], more: 2 }

describe('a place along an axis', () => {
  it('follows the scale of the axis', () => {
    expect(place(10, exposure)).toBeCloseTo(1 / 3)
    expect(place(1000, exposure)).toBe(1)
  })

  it('is the middle of a lane, and nowhere for a value without one', () => {
    expect(place('MIRI', instrument)).toBe(0.375)
    expect(place('NIRISS', instrument)).toBeNull()
  })

  it('is the middle where all values are one', () => {
    expect(place(5, { ...exposure, edges: [5, 5] })).toBe(0.5)
  })
})

describe('a brush', () => {
  it('keeps the range between the nearest edges, open where it reaches an end', () => {
    expect(kept(exposure, 0.34, 0.7)).toEqual({ t_exptime: '10..100' })
    expect(kept(exposure, 0.7, -0.1)).toEqual({ t_exptime: '..100' })
    expect(kept(exposure, 0, 1)).toEqual({})
  })

  it('keeps the cell it lies in, however narrow it is', () => {
    expect(kept(exposure, 0.5, 0.51)).toEqual({ t_exptime: '10..100' })
  })

  it('keeps the lanes that it touches, written as the grammar wants them', () => {
    expect(kept(instrument, 0.3, 0.6)).toEqual({ instrument_name: 'MIRI,A\\,B' })
    expect(kept(instrument, 0, 1)).toEqual({})
  })
})

it('labels every lane', () => {
  expect(labels(instrument, 'plain', 30).map((mark) => mark.label)).toEqual(['NIRCAM', 'MIRI', 'A,B', 'FGS'])
})
