import { expect, test } from 'vitest'
import golden from './testdata/healpix.json'
import { Camera } from './camera'
import { countCells, densityOrder } from './density'
import { FootprintSet } from './footprints'
import { cellOf, cornersOf } from './healpix'
import { ARCSEC, separation, toVector } from './vector'

test('cells and their corners equal those of hpgeom', () => {
  for (const { order, ra, dec, cell, corners } of golden) {
    expect(cellOf(order, ...toVector(ra, dec)), `${ra} ${dec} order ${order}`).toBe(cell)
    const ours = cornersOf(order, cell)
    for (const [lon, lat] of corners as [number, number][]) {
      const nearest = Math.min(...ours.map((corner) => separation(corner, toVector(lon, lat))))
      expect(nearest).toBeLessThan(0.01 * ARCSEC)
    }
  }
})

test('a density map counts every footprint once', () => {
  const n = 1000
  const set = new FootprintSet({
    obs_number: Array.from({ length: n }, (_, i) => String(i)),
    obs_id: Array.from({ length: n }, (_, i) => `jw${i}`),
    instrument_name: Array.from({ length: n }, () => 'MIRI'),
    calib_level: Array.from({ length: n }, () => 2),
    s_ra: Array.from({ length: n }, (_, i) => (i * 137.5) % 360),
    s_dec: Array.from({ length: n }, (_, i) => -80 + (160 * i) / n),
    s_region: Array.from({ length: n }, () => null),
  })
  const density = countCells(set, set.within(toVector(0, 0), Math.PI), 3)
  const total = [...density.counts.values()].reduce((sum, count) => sum + count, 0)
  expect(total).toBe(n)
  expect(density.highest).toBe(Math.max(...density.counts.values()))
})

test('cells keep their size on the screen while one zooms', () => {
  const orders = [180, 60, 20, 5, 1].map((fov) => densityOrder(new Camera({ ra: 0, dec: 0, fov, projection: 'auto', roll: 0 }, 900, 500)))
  expect([...orders].sort((a, b) => a - b)).toEqual(orders)
  expect(orders[0]).toBe(5)
})
