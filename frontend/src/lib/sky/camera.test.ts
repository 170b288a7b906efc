import { expect, test } from 'vitest'
import golden from './testdata/projections.json'
import { FRAMES, type Frame } from './frames'
import { Camera, projectionOf, tidy, type Projection, type View } from './camera'
import { ARCSEC, separation, toVector } from './vector'

const { width, height, cases } = golden
const cameraOf = (item: (typeof cases)[number]): Camera =>
  new Camera({ ra: item.ra, dec: item.dec, fov: item.fov, projection: item.projection as Projection, roll: item.roll }, width, height, item.frame as Frame)

test('pixels equal those of astropy to 0.1 pixel, at the poles and across RA 0 too', () => {
  for (const item of cases) {
    const camera = cameraOf(item)
    expect(camera.projection).toBe(item.projection)
    for (const [ra, dec, x, y] of item.points as [number, number, number, number][]) {
      const pixel = camera.project(toVector(ra, dec))
      expect(pixel, `${item.projection} at ${item.ra} ${item.dec}`).not.toBeNull()
      expect(Math.hypot(pixel![0] - x, pixel![1] - y)).toBeLessThan(0.1)
    }
  }
})

test('a pixel leads back to the direction it came from', () => {
  for (const item of cases) {
    const camera = cameraOf(item)
    for (const [ra, dec] of item.points as [number, number, number, number][]) {
      const direction = toVector(ra, dec)
      const back = camera.unproject(...camera.project(direction)!)
      expect(separation(back!, direction)).toBeLessThan(Math.max(1e-6 * ARCSEC, 1e-9 / camera.scale))
    }
  }
})

test('directions behind the sky shown have no pixel', () => {
  const view: View = { ra: 0, dec: 0, fov: 200, projection: 'SIN', roll: 0 }
  const camera = new Camera(view, 400, 400)
  expect(camera.project(toVector(180, 0))).toBeNull()
  expect(camera.unproject(1, 1)).toBeNull()
})

test('wide fields are orthographic, all of the sky is an ellipse, and a gnomonic picture ends at 120°', () => {
  const view: View = { ra: 0, dec: 0, fov: 10, projection: 'auto', roll: 0 }
  expect(projectionOf(view)).toBe('TAN')
  expect(projectionOf({ ...view, fov: 61 })).toBe('SIN')
  expect(projectionOf({ ...view, fov: 300 })).toBe('AIT')
  expect(projectionOf({ ...view, fov: 300, projection: 'SIN', roll: 0 })).toBe('SIN')
  expect(projectionOf({ ...view, fov: 61, projection: 'TAN', roll: 0 })).toBe('TAN')
  expect(projectionOf({ ...view, fov: 180, projection: 'TAN', roll: 0 })).toBe('SIN')
})

test('zooming keeps the direction under the pointer in place', () => {
  const camera = new Camera({ ra: 359.99, dec: -58, fov: 1, projection: 'auto', roll: 0 }, 900, 500)
  const held = camera.unproject(100, 400)!
  const after = new Camera(camera.zoomed(3, 100, 400), 900, 500).project(held)!
  expect(after[0]).toBeCloseTo(100, 1)
  expect(after[1]).toBeCloseTo(400, 1)
})

test('dragging moves the sky with the pointer, and goes on at the pole', () => {
  const camera = new Camera({ ra: 10, dec: 40, fov: 20, projection: 'auto', roll: 0 }, 900, 500)
  const held = camera.unproject(450, 250)!
  const after = new Camera(camera.dragged([450, 250], [600, 300]), 900, 500).project(held)!
  expect(Math.hypot(after[0] - 600, after[1] - 300)).toBeLessThan(0.1)
  const polar = new Camera({ ra: 10, dec: 89.9, fov: 20, projection: 'auto', roll: 0 }, 900, 500)
  const moved = polar.dragged([450, 250], [450, 400])
  expect(separation(toVector(moved.ra, moved.dec), polar.centre)).toBeGreaterThan(1 / 60)
})

test('a view has its centre on the sphere', () => {
  expect(tidy({ ra: -1, dec: 95, fov: 1e9, projection: 'auto', roll: 0 })).toMatchObject({ ra: 359, dec: 90, fov: 600 })
  expect(tidy({ ra: 0, dec: 0, fov: 1, projection: 'auto', roll: 270 }).roll).toBe(-90)
})

test('the picture turns about its centre, with the compass, and stays under the pointer when it is moved', () => {
  const camera = new Camera({ ra: 40, dec: 20, fov: 2, projection: 'auto', roll: 0 }, 900, 500)
  const above = camera.unproject(450, 150)!
  const turned = camera.at(camera.turned(90))
  expect(turned.project(above)![0]).toBeCloseTo(350, 6)
  expect(turned.project(above)![1]).toBeCloseTo(250, 6)
  expect(turned.compass.north[0]).toBeCloseTo(-1, 9)
  expect(turned.compass.east[1]).toBeCloseTo(1, 9)
  for (const frame of FRAMES) {
    const held = new Camera({ ra: 266, dec: -29, fov: 30, projection: 'auto', roll: 77 }, 900, 500, frame)
    const after = held.at(held.dragged([450, 250], [600, 300])).project(held.centre)!
    expect(Math.hypot(after[0] - 600, after[1] - 300)).toBeLessThan(0.1)
  }
})
