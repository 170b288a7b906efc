import { expect, test } from 'vitest'
import { FootprintSet, type Footprints } from './footprints'
import { parseRegion, regionText } from './region'
import { ARCSEC, DEGREE, toVector } from './vector'

function data(regions: (string | null)[], positions: [number, number][] = []): Footprints {
  return {
    obs_number: regions.map((_, i) => String(i + 1)),
    obs_id: regions.map((_, i) => `jw${i + 1}`),
    instrument_name: regions.map(() => 'NIRCAM'),
    calib_level: regions.map(() => 3),
    s_ra: regions.map((_, i) => positions[i]?.[0] ?? null),
    s_dec: regions.map((_, i) => positions[i]?.[1] ?? null),
    s_region: regions,
  }
}

test('regions are read in all the ways in which headers write them', () => {
  expect(parseRegion('POLYGON ICRS 10 1 11 1 11 2')).toEqual([
    { kind: 'polygon', vertices: [[10, 1], [11, 1], [11, 2]] },
  ])
  expect(parseRegion('polygon 10 1 11 1 11 2 10 1')[0]).toMatchObject({ vertices: { length: 3 } })
  expect(parseRegion('CIRCLE ICRS 10 -1 0.5')).toEqual([{ kind: 'circle', ra: 10, dec: -1, radius: 0.5 }])
  expect(parseRegion('UNION ICRS (POLYGON 1 1 2 1 2 2 POLYGON 3 1 4 1 4 2)')).toHaveLength(2)
})

test('a box has its full width and height along its middle lines', () => {
  const [box] = parseRegion('box 10 60 2 1')
  const set = new FootprintSet(data(['box 10 60 2 1']))
  expect(box).toMatchObject({ kind: 'polygon', vertices: { length: 4 } })
  expect(set.at(toVector(10, 60.49))).toEqual([0])
  expect(set.at(toVector(10, 60.51))).toEqual([])
  expect(set.at(toVector(10 + 0.99 / Math.cos(60 * DEGREE), 60))).toEqual([0])
  expect(set.at(toVector(10 + 1.01 / Math.cos(60 * DEGREE), 60))).toEqual([])
})

test('a region without sense loses its outline and nothing else', () => {
  for (const text of [null, '', 'POLYGON ICRS 1 2 3 4', 'POLYGON ICRS 1 2 3 4 5', 'ELLIPSE 1 2 3 4 5 6', 'nonsense']) {
    expect(parseRegion(text)).toEqual([])
  }
})

test('a drawn region is written as DALI text', () => {
  expect(regionText({ kind: 'circle', ra: 159.32, dec: -58.62, radius: 0.2 })).toBe('circle 159.32 -58.62 0.2')
})

test('the smallest of several footprints under the pointer comes first', () => {
  const set = new FootprintSet(
    data([
      'POLYGON ICRS 9 -1 11 -1 11 1 9 1',
      'POLYGON ICRS 9.9 -0.1 10.1 -0.1 10.1 0.1 9.9 0.1',
      'POLYGON ICRS 20 -1 21 -1 21 1 20 1',
    ]),
  )
  expect(set.at(toVector(10, 0))).toEqual([1, 0])
  expect(set.at(toVector(9.5, 0.5))).toEqual([0])
  expect(set.at(toVector(190, 0))).toEqual([])
})

test('orientation does not matter', () => {
  const set = new FootprintSet(data(['POLYGON ICRS 9 -1 9 1 11 1 11 -1']))
  expect(set.at(toVector(10, 0.9))).toEqual([0])
  expect(set.at(toVector(10, 1.1))).toEqual([])
})

test('footprints around a pole and across RA 0 are hit where they are', () => {
  const set = new FootprintSet(data(['POLYGON ICRS 0 89 90 89 180 89 270 89', 'POLYGON ICRS 359.9 -1 0.1 -1 0.1 1 359.9 1']))
  expect(set.at(toVector(123, 89.9))).toEqual([0])
  expect(set.at(toVector(0, 90))).toEqual([0])
  expect(set.at(toVector(45, 89.1))).toEqual([])
  expect(set.at(toVector(359.95, 0))).toEqual([1])
  expect(set.at(toVector(0.05, 0))).toEqual([1])
  expect(set.at(toVector(0.15, 0))).toEqual([])
})

test('each part of a footprint of several polygons counts, the gap between them does not', () => {
  const set = new FootprintSet(data(['POLYGON ICRS 0 0 1 0 1 1 0 1 POLYGON ICRS 2 0 3 0 3 1 2 1']))
  expect(set.at(toVector(0.5, 0.5))).toEqual([0])
  expect(set.at(toVector(2.5, 0.5))).toEqual([0])
  expect(set.at(toVector(1.5, 0.5))).toEqual([])
})

test('an observation without outline is a point that can be reached, one without position is nowhere', () => {
  const set = new FootprintSet(data([null, null], [[83.6, 22]]))
  expect(set.at(toVector(83.6 + 2 / 3600, 22), 5 * ARCSEC)).toEqual([0])
  expect(set.within(toVector(0, 0), Math.PI)).toEqual([0])
})

test('the cap test rejects what is off the view and keeps what reaches into it', () => {
  const set = new FootprintSet(data(['CIRCLE ICRS 10 0 1', 'CIRCLE ICRS 14 0 1']))
  expect(set.within(toVector(8, 0), 1.5 * DEGREE)).toEqual([0])
  expect(set.within(toVector(8, 0), 0.5 * DEGREE)).toEqual([])
})

test('the circle around all results holds them, also across RA 0', () => {
  const set = new FootprintSet(data(['CIRCLE ICRS 359 10 0.5', 'CIRCLE ICRS 1 10 0.5', 'CIRCLE ICRS 1 10 0.4']))
  const circle = set.enclosing()!
  expect(Math.min(circle.ra, 360 - circle.ra)).toBeLessThan(0.3)
  expect(circle.radius).toBeGreaterThanOrEqual(1.48)
  expect(circle.radius).toBeLessThan(1.8)
  expect(new FootprintSet(data([null])).enclosing()).toBeNull()
})
