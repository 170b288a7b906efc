import { expect, test } from 'vitest'
import { Camera } from './camera'
import { fitCircle, wholeSky } from './fit'
import { FootprintSet } from './footprints'
import { regionText } from './region'
import { closed, dragged } from './tools'
import { DEGREE, offset, toVector } from './vector'

const camera = new Camera({ ra: 359.95, dec: 30, fov: 1, projection: 'auto' }, 1000, 500)

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
