import { describe, expect, it } from 'vitest'
import type { ColumnDescription } from '../api/types'
import { EMPTY } from '../query/query'
import { facetNames, facetOf, usualFacets } from './order'

const column = (name: string, more: Partial<ColumnDescription>) => ({ name, caption: name, unit: null, facet: null, type: 'float64', ...more }) as ColumnDescription

describe('the facets of the panel', () => {
  it('are the usual ones until somebody chooses', () => {
    expect(facetNames(EMPTY)).toEqual(usualFacets)
    expect(facetNames({ ...EMPTY, facets: ['detector'] })).toEqual(['detector'])
  })

  it('read as their type and unit say, and name a unit that no reading writes', () => {
    const columns = [
      column('data_release', { type: 'timestamp', caption: 'Release' }),
      column('t_resolution', { unit: 's', caption: 'Time resolution' }),
      column('s_fov', { unit: 'deg', caption: 'Field of view' }),
    ]
    expect(facetOf('data_release', columns)).toEqual({ column: 'data_release', caption: 'Release', reading: 'time' })
    expect(facetOf('t_resolution', columns).reading).toBe('exposure')
    expect(facetOf('s_fov', columns)).toMatchObject({ caption: 'Field of view (deg)', reading: 'plain' })
    expect(facetOf('t_min', columns)).toMatchObject({ caption: 'Observed', reading: 'time' })
  })
})
