import { describe, expect, it } from 'vitest'
import data from 'virtual:base-sky'
import { baseSky, starRadius } from './base'
import { DEGREE, dot, toVector } from './vector'

const sky = baseSky(data)
const levelAt = (ra: number, dec: number) => {
  const at = toVector(ra, dec)
  const near = sky.milkyWay.filter((cell) => dot(cell.at, at) > Math.cos(1.2 * DEGREE))
  return Math.max(0, ...near.map((cell) => cell.level))
}

describe('the base sky', () => {
  it('has Sirius as its brightest star, where Hipparcos has it', () => {
    expect(data.stars.magnitude[0]).toBeCloseTo(-1.4, 1)
    expect(data.stars.ra[0]).toBeCloseTo(101.287, 2)
    expect(data.stars.dec[0]).toBeCloseTo(-16.716, 2)
  })

  it('has a Milky Way along the galactic plane and none at its poles', () => {
    expect(levelAt(271, -29)).toBeGreaterThanOrEqual(4) // the star clouds of Sagittarius
    expect(levelAt(310, 41)).toBeGreaterThanOrEqual(1) // Cygnus
    expect(levelAt(192.86, 27.13)).toBe(0)
    expect(levelAt(12.86, -27.13)).toBe(0)
    expect(levelAt(37.9, 89.2)).toBe(0) // the pole star
  })

  it('names 88 or so constellations', () => {
    expect(new Set(data.names.map(([name]) => name)).size).toBeGreaterThanOrEqual(88)
  })

  it('draws brighter stars larger', () => {
    expect(starRadius(-1.4, 180)).toBeGreaterThan(starRadius(3, 180))
    expect(starRadius(6, 180)).toBeGreaterThan(0.3)
  })
})
