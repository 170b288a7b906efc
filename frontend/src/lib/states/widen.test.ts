import { describe, expect, it } from 'vitest'
import type { FacetAnswer } from '../api/types'
import { EMPTY, withFilters } from '../query/query'
import { lessOneFilter, radiusText, widerRadii } from './widen'

const answer = {
  snapshot: '1',
  total: 0,
  all: 300,
  elapsed_ms: 1,
  facets: [
    { column: 'instrument_name', kind: 'category', more: 0, values: [{ value: 'NIRCAM', count: 214, ghost: 300 }] },
    { column: 't_exptime', kind: 'number', scale: 'log', unit: 's', edges: [1, 10, 100], counts: [2, 3], ghost: [9, 9], nulls: 1, min: 1, max: 100 },
    { column: 'calib_level', kind: 'category', more: 0, values: [] },
  ],
} as FacetAnswer

describe('ways out of an empty answer', () => {
  it('drop one filter each, most found first', () => {
    const query = withFilters(EMPTY, { instrument_name: 'MIRI', t_exptime: '1000..', calib_level: '4' })
    const ways = lessOneFilter(query, answer, [])
    expect(ways.map(({ label, count }) => [label, count])).toEqual([
      ['Drop “MIRI only”', 214],
      ['Drop “exposure time”', 6],
    ])
    expect(ways[0]!.query.filters).toEqual({ t_exptime: '1000..', calib_level: '4' })
  })

  it('widen a radius step by step, within reason', () => {
    expect(widerRadii(2 / 3600).map(radiusText)).toEqual(['10"', "1'", "5'", "30'"])
    expect(widerRadii(10)).toEqual([])
  })
})
