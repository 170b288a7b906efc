import { expect, test } from 'vitest'
import { Camera } from './camera'
import { addArea, addLine, addRing } from './lines'
import { outline } from './region'
import { toVector } from './vector'

class Recorder {
  points: [number, number][] = []
  starts = 0
  moveTo(x: number, y: number): void {
    this.starts++
    this.points.push([x, y])
  }
  lineTo(x: number, y: number): void {
    this.points.push([x, y])
  }
}
const sphere = new Camera({ ra: 0, dec: 0, fov: 120, projection: 'SIN', roll: 0 }, 600, 600)

test('a great circle is straight in gnomonic projection and needs no subdivision', () => {
  const path = new Recorder()
  addLine(path, new Camera({ ra: 0, dec: 0, fov: 40, projection: 'TAN', roll: 0 }, 600, 600), [toVector(350, 10), toVector(10, 10)])
  expect(path.points).toHaveLength(2)
})

test('a long arc follows the sphere in orthographic projection', () => {
  const path = new Recorder()
  addLine(path, sphere, [toVector(320, 20), toVector(40, 20)])
  const highest = Math.min(...path.points.map(([, y]) => y))
  const onGreatCircle = Math.atan(Math.tan((20 * Math.PI) / 180) / Math.cos((40 * Math.PI) / 180))
  expect(300 - highest).toBeCloseTo(sphere.scale * Math.sin(onGreatCircle), 0)
})

test('a line that passes behind the limb ends on it', () => {
  const path = new Recorder()
  addLine(path, sphere, [toVector(60, 0), toVector(120, 0)])
  const [x, y] = path.points[path.points.length - 1]!
  expect(Math.hypot(x - 300, y - 300)).toBeCloseTo(sphere.scale, 2)
})

test('a ring that comes back from behind is drawn in pieces, without a line along the limb', () => {
  const path = new Recorder()
  addRing(path, sphere, outline({ kind: 'circle', ra: 90, dec: 0, radius: 20 }))
  expect(path.starts).toBeLessThanOrEqual(2)
  const jumps = path.points.slice(1).map(([x, y], i) => Math.hypot(x - path.points[i]![0], y - path.points[i]![1]))
  expect(jumps.filter((length) => length > 60).length).toBeLessThanOrEqual(path.starts - 1)
})

test('the area of a cap that reaches behind stays on the disc and follows its edge', () => {
  const path = new Recorder()
  addArea(path, sphere, outline({ kind: 'circle', ra: 90, dec: 0, radius: 30 }))
  const radii = path.points.map(([x, y]) => Math.hypot(x - 300, y - 300))
  expect(Math.max(...radii)).toBeLessThan(sphere.scale + 0.01)
  expect(radii.filter((r) => r > sphere.scale - 0.01).length).toBeGreaterThan(10)
})

test('a line across the seam of an all-sky picture leaves at one end and comes back at the other', () => {
  const allSky = new Camera({ ra: 0, dec: 0, fov: 350, projection: 'auto', roll: 0 }, 700, 350)
  const path = new Recorder()
  addLine(path, allSky, [toVector(170, 10), toVector(190, 10)])
  expect(path.starts).toBe(2)
  const area = new Recorder()
  addArea(area, allSky, outline({ kind: 'circle', ra: 180, dec: 0, radius: 5 }))
  expect(area.starts).toBe(2)
  const middle = [...path.points, ...area.points].filter(([x]) => Math.abs(x - 350) < 250)
  expect(middle).toEqual([])
})

test('a line that has a corner on the seam itself does not run back across the picture', () => {
  const allSky = new Camera({ ra: 0, dec: 0, fov: 350, projection: 'auto', roll: 0 }, 700, 350)
  for (const opposite of [[-1, 0, 0], [-1, -0, 0]] as const) {
    const path = new Recorder()
    addLine(path, allSky, [toVector(170, 0), opposite, toVector(190, 0)])
    const ends = path.points.map(([x]) => x)
    expect(ends.filter((x) => Math.abs(x - 350) < 250)).toEqual([])
    expect(path.starts).toBe(2)
  }
})

test('nothing is drawn of what is wholly behind', () => {
  const path = new Recorder()
  const ring = outline({ kind: 'circle', ra: 180, dec: 0, radius: 5 })
  addRing(path, sphere, ring)
  addArea(path, sphere, ring)
  expect(path.points).toEqual([])
})
