import { describe, expect, it } from 'vitest'
import { EMPTY, isUnrestricted, parseAddress, parseSky, restriction, search, sortInForce, withFilters, writeAddress, writeSky, type View } from './query'

const FULL: View = {
  query: {
    position: '10:37:18.8 -58:37:42',
    targets: null,
    radius: "12'",
    match: 'center',
    text: 'cosmic cliffs & "Müller" + 100%',
    filters: { access: 'public', em: '9e-7..2.1e-5', filters: 'F444W,CLEAR;F200W', t_min: '..2025-09-01' },
    sort: [
      { column: 'instrument_name', descending: false },
      { column: 't_exptime', descending: true },
    ],
    columns: ['obs_id', 't_min', 'proposal_pi'],
    facets: ['em', 'detector'],
  },
  focus: 'jw02731-o001_t017_nircam_f187n',
  sky: { ra: 159.3283, dec: -58.6283, fov: 0.7, projection: 'TAN', roll: -35.5 },
  frame: 'GALACTIC',
  show: 'plot',
  plot: { x: 's_fov', y: 'count' },
}

describe('the address', () => {
  it('holds a list of targets in place of a position', () => {
    const query = { ...EMPTY, targets: 'Wv3_x-1', radius: "30'", match: 'center' as const }
    expect(restriction(query)).toEqual({ targets: 'Wv3_x-1', radius: "30'", match: 'center' })
    expect(parseAddress('?targets=Wv3_x-1&position=M31').query).toMatchObject({ targets: 'Wv3_x-1', position: null })
    expect(parseAddress(writeAddress({ ...FULL, query })).query).toEqual(query)
  })

  it('holds the whole view', () => {
    expect(parseAddress(writeAddress(FULL))).toEqual(FULL)
  })

  it('is empty for the first page', () => {
    expect(writeAddress({ query: EMPTY, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null })).toBe('')
    expect(parseAddress('')).toEqual({ query: EMPTY, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null })
  })

  it('is the same whatever the order in which filters were set', () => {
    const one = withFilters(withFilters(EMPTY, { b_col: '1' }), { a_col: '2' })
    const other = withFilters(withFilters(EMPTY, { a_col: '2' }), { b_col: '1' })
    expect(writeAddress({ query: one, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null })).toBe(writeAddress({ query: other, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null }))
  })

  it('reads well', () => {
    const query = withFilters({ ...EMPTY, position: 'NGC 3324' }, { instrument_name: 'NIRCAM,MIRI' })
    expect(writeAddress({ query, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null })).toBe('?position=NGC+3324&instrument_name=NIRCAM,MIRI')
  })

  it('survives nonsense', () => {
    const view = parseAddress('?sky=a,b,c&sort=;drop&columns=&focus=')
    expect(view).toEqual({ query: EMPTY, focus: null, sky: null, frame: 'ICRS', show: 'table', plot: null })
    expect(parseSky('10,95,1')).toBeNull()
    expect(parseSky('10,20,180,AIT')?.projection).toBe('AIT')
    expect(parseSky('10,20,180,XYZ')?.projection).toBe('auto')
    expect(parseSky('10,20,0')).toBeNull()
    expect(parseSky('10,20,3,TAN,up')?.roll).toBe(0)
    expect(parseAddress('?frame=barycentre').frame).toBe('ICRS')
  })

  it('keeps the sky to a thousandth of the field', () => {
    for (const fov of [0.0002, 0.01, 0.7, 60, 180]) {
      const sky = { ra: 159.328312345, dec: -58.628387654, fov, projection: 'auto' as const, roll: 12 }
      const back = parseSky(writeSky(sky))!
      expect(Math.abs(back.ra - sky.ra)).toBeLessThan(fov / 1000)
      expect(Math.abs(back.dec - sky.dec)).toBeLessThan(fov / 1000)
      expect(back).toMatchObject({ projection: 'auto', roll: 12 })
    }
  })
})

describe('a query', () => {
  it('asks the server for the same names that the address shows', () => {
    expect(search(FULL.query)).toEqual({
      position: '10:37:18.8 -58:37:42',
      radius: "12'",
      match: 'center',
      text: 'cosmic cliffs & "Müller" + 100%',
      access: 'public',
      em: '9e-7..2.1e-5',
      filters: 'F444W,CLEAR;F200W',
      t_min: '..2025-09-01',
      sort: 'instrument_name,-t_exptime',
    })
  })

  it('leaves the order to the server until somebody chooses one', () => {
    expect(search(EMPTY)).toEqual({})
    expect(sortInForce(EMPTY)).toEqual([{ column: 't_min', descending: true }])
    expect(sortInForce({ ...EMPTY, text: 'nebula' })).toEqual([])
  })

  it('says a radius only with a position', () => {
    expect(restriction({ ...EMPTY, radius: "3'" })).toEqual({})
  })

  it('knows when nothing restricts it', () => {
    expect(isUnrestricted({ ...EMPTY, sort: FULL.query.sort, columns: ['obs_id'] })).toBe(true)
    expect(isUnrestricted(withFilters(EMPTY, { access: 'public' }))).toBe(false)
    expect(isUnrestricted(withFilters(withFilters(EMPTY, { access: 'public' }), { access: undefined }))).toBe(true)
  })
})
