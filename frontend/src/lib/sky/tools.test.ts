import { expect, test } from 'vitest'
import { Camera } from './camera'
import { fitCircle, wholeSky } from './fit'
import { FootprintSet } from './footprints'
import { outline, regionText } from './region'
import { closed, dragged, lassoed, type Pixel } from './tools'
import { DEGREE, offset, toVector } from './vector'

const camera = new Camera({ ra: 359.95, dec: 30, fov: 1, projection: 'auto', roll: 0 }, 1000, 500)

test('a cone is dragged from its centre to its rim', () => {
  const region = dragged('cone', camera, [500, 250], [600, 250])
  expect(region).toMatchObject({ kind: 'circle', radius: expect.closeTo(0.1, 4) as number })
  expect(regionText(region!)).toMatch(/^circle 359\.95 30 0\.0999/)
})

test('a box drawn across RA 0 holds what was inside it on the screen', () => {
  const region = dragged('box', camera, [300, 150], [700, 350])!
  const text = regionText(region)
  const set = new FootprintSet({
    obs_number: ['1'],
    obs_id: ['jw1'],
    instrument_name: [null],
    calib_level: [null],
    s_ra: [null],
    s_dec: [null],
    s_region: [text],
  })
  expect(set.at(camera.unproject(310, 340)!)).toEqual([0])
  expect(set.at(camera.unproject(290, 340)!)).toEqual([])
})

test('a mere click and a drag beside the sky draw nothing', () => {
  const ellipse = new Camera(wholeSky(800, 400), 800, 400)
  expect(dragged('cone', camera, [500, 250], [502, 251])).toBeNull()
  expect(dragged('box', camera, [500, 250], [600, 251])).toBeNull()
  expect(dragged('cone', ellipse, [400, 200], [2, 2])).toBeNull()
  expect(closed([toVector(0, 0), toVector(1, 0)])).toBeNull()
})

test('a fitted circle is wholly in the picture', () => {
  for (const radius of [0.001, 0.1, 5, 30, 60, 89, 120]) {
    const view = fitCircle({ ra: 359.9, dec: -70, radius }, 900, 400)
    const fitted = new Camera(view, 900, 400)
    for (const angle of [0, 1, 2, 3, 4, 5]) {
      const [x, y] = fitted.project(offset(359.9, -70, radius * DEGREE, angle))!
      expect(Math.min(x, y), `radius ${radius}`).toBeGreaterThan(0)
      expect(x).toBeLessThan(900)
      expect(y).toBeLessThan(400)
    }
  }
})

const circle = (x: number, y: number, radius: number, steps = 300): Pixel[] =>
  Array.from({ length: steps }, (_, i) => [x + radius * Math.cos((6.28 * i) / steps), y + radius * Math.sin((6.28 * i) / steps)])

test('a lasso becomes a polygon of few corners that holds what it was drawn around', () => {
  const region = lassoed(camera, circle(500, 250, 120))!
  const vertices = region.kind === 'polygon' ? region.vertices : []
  expect(vertices.length).toBeGreaterThan(8)
  expect(vertices.length).toBeLessThanOrEqual(40)
  const set = new FootprintSet(points([[500, 250], [500, 365], [500, 375], [630, 250]]))
  expect(set.centredIn(outline(region))).toEqual([0, 1])
})

test('a lasso that crosses itself takes its hull, and one around nothing draws nothing', () => {
  const eight = [...circle(400, 250, 100), ...circle(600, 250, 100)]
  const set = new FootprintSet(points([[400, 250], [500, 170], [600, 250], [500, 100]]))
  expect(set.centredIn(outline(lassoed(camera, eight)!))).toEqual([0, 1, 2])
  expect(lassoed(camera, [[10, 10], [200, 10], [11, 10.1]])).toBeNull()
  expect(lassoed(camera, [[10, 10]])).toBeNull()
})

test('a lasso that leads beside the sky holds what lies within', () => {
  const ellipse = new Camera(wholeSky(800, 400), 800, 400)
  const region = lassoed(ellipse, [[2, 2], [200, 60], [400, 50], [400, 350], [200, 340], [2, 398]])!
  const set = new FootprintSet(points([[300, 300], [300, 355], [395, 200], [405, 200]], ellipse))
  expect(set.centredIn(outline(region))).toEqual([0, 2])
})

/** Observations without outlines, by their pixels. */
function points(pixels: Pixel[], on = camera) {
  const places = pixels.map(([x, y]) => on.positionAt(x, y)!)
  const every = <T>(value: T): T[] => pixels.map(() => value)
  return {
    obs_number: pixels.map((_, i) => String(i)),
    obs_id: pixels.map((_, i) => `jw${i}`),
    instrument_name: every(null),
    calib_level: every(null),
    s_ra: places.map(({ ra }) => ra),
    s_dec: places.map(({ dec }) => dec),
    s_region: every(null),
  }
}
