import { expect, test } from 'vitest'
import { Camera, type View } from './camera'
import { graticule, scaleBar } from './graticule'
import { toPosition } from './vector'

const camera = (ra: number, dec: number, fov: number, projection: View['projection'] = 'auto'): Camera =>
  new Camera({ ra, dec, fov, projection, roll: 0 }, 990, 460)
const labels = (view: Camera, kind: 'ra' | 'dec', notation: 'sexagesimal' | 'decimal' = 'sexagesimal'): string[] =>
  graticule(view, notation)
    .filter((line) => line.kind === kind)
    .map((line) => line.label)

test('a field of a quarter degree has lines at whole minutes of arc and tens of seconds of time', () => {
  const field = camera(159.3283, -58.6283, 14.2 / 60)
  expect(labels(field, 'ra')).toContain('10ʰ37ᵐ20ˢ')
  expect(labels(field, 'dec')).toContain('−58°38′')
})

test('labels are as precise as their step', () => {
  expect(labels(camera(0, 0, 5 / 3600), 'ra')).toContain('00ʰ00ᵐ00.00ˢ')
  expect(labels(camera(10, 0, 30), 'ra')).toContain('00ʰ40ᵐ')
  expect(labels(camera(10, 20, 170), 'dec')).toContain('+30°')
  expect(labels(camera(10, -0.1, 1), 'dec', 'decimal')).toContain('−0.2°')
})

test('lines across RA 0 carry labels below 24 hours', () => {
  const texts = labels(camera(0, 0, 2), 'ra')
  expect(texts).toContain('00ʰ00ᵐ')
  expect(texts.some((text) => text.startsWith('23ʰ5'))).toBe(true)
  expect(texts.some((text) => text.startsWith('24'))).toBe(false)
})

test('the number of lines stays small from an arcsecond to the whole sphere, at the poles too', () => {
  for (const dec of [-90, -89.99, -45, 0, 60, 89.9, 90]) {
    for (const fov of [0.001, 0.1, 1, 20, 59, 61, 180, 400]) {
      const lines = graticule(camera(123, dec, fov), 'sexagesimal')
      expect(lines.length, `dec ${dec} fov ${fov}`).toBeLessThan(130)
      expect(lines.length, `dec ${dec} fov ${fov}`).toBeGreaterThan(3)
    }
  }
})

test('points of a line lie on it', () => {
  for (const line of graticule(camera(100, 89.5, 3), 'sexagesimal')) {
    for (const point of line.points.filter((p) => Math.abs(p[2]) < 1 - 1e-9)) {
      const { ra, dec } = toPosition(point)
      if (line.kind === 'dec') expect(dec).toBeCloseTo(line.value, 6)
      else expect(((ra - line.value + 540) % 360) - 180).toBeCloseTo(0, 4)
    }
  }
})

test('the scale bar is a round angle of legible length', () => {
  for (const fov of [0.002, 0.2, 3, 50, 180]) {
    const bar = scaleBar(camera(0, 0, fov))
    expect(bar.pixels).toBeGreaterThan(50)
    expect(bar.pixels).toBeLessThan(250)
  }
  expect(scaleBar(camera(159, -58, 14.2 / 60)).label).toBe('1′')
})

test('other frames have lines of their own, in degrees', () => {
  const centre = new Camera({ ra: 266.40499, dec: -28.93617, fov: 4, projection: 'auto', roll: 0 }, 990, 460, 'GALACTIC')
  expect(labels(centre, 'ra')).toContain('0°')
  expect(labels(centre, 'dec')).toContain('−1°')
  const plane = graticule(centre, 'sexagesimal').find((line) => line.kind === 'dec' && line.value === 0)!
  for (const point of plane.points) expect(centre.project(point)![1]).toBeCloseTo(230, 1)
})
