import { describe, expect, it } from 'vitest'
import type { Resolved } from '../api/types'
import { EMPTY } from '../query/query'
import { origin, tokens, where } from './tokens'

const CARINA: Resolved = {
  name: 'NGC 3372',
  ra: 161.29,
  dec: -59.87,
  kind: 'object',
  resolver: 'OpenNGC',
  label: 'Carina Nebula',
  moment: null,
  radius: 0.2,
}
const JUPITER: Resolved = { ...CARINA, name: 'Jupiter', kind: 'moving', resolver: 'ephemeris', label: null, moment: '2026-11-22T12:00:00Z', radius: null }

describe('the token of a position', () => {
  it('says who knew the name, and keeps its radius', () => {
    const [place, radius] = tokens({ ...EMPTY, position: 'carina nebula' }, CARINA, 'sexagesimal')
    expect(place).toMatchObject({ key: 'position', value: 'carina nebula', title: 'NGC 3372 (Carina Nebula), by OpenNGC' })
    expect(radius?.key).toBe('within')
  })

  it('says that a body moves, where it is now and when that was', () => {
    const found = tokens({ ...EMPTY, position: 'Jupiter' }, JUPITER, 'sexagesimal')
    expect(found.map((token) => token.key)).toEqual(['moving'])
    expect(found[0]?.note).toMatch(/^now 10:45/)
    expect(found[0]?.title).toContain('seen from the Earth at 2026-11-22T12:00:00Z')
  })

  it('invents no place for a body whose place nobody knows', () => {
    expect(where({ ...JUPITER, ra: null, dec: null }, 'sexagesimal')).toBe('moves')
    expect(origin({ ...CARINA, resolver: 'coordinates' })).toBe('')
  })
})
