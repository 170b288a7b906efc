import { expect, it } from 'vitest'
import { decoded, inferno, limits } from './raster'

it('reads little-endian floats', () => {
  const bytes = new Uint8Array(new Float32Array([1.5, NaN, -2]).buffer)
  expect([...decoded(btoa(String.fromCharCode(...bytes)))]).toEqual([1.5, NaN, -2])
})

it('finds limits without what is unknown', () => {
  const values = Float32Array.from([NaN, ...Array.from({ length: 101 }, (_, i) => 100 - i)])
  expect(limits(values, 1, 99)).toEqual([1, 99])
  expect(limits(Float32Array.from([NaN]), 1, 99)).toEqual([0, 1])
  expect(limits(Float32Array.from([3, 3]), 1, 99)).toEqual([2.5, 3.5])
})

it('runs from black to pale yellow', () => {
  expect(inferno(-1)).toEqual([0, 0, 4])
  expect(inferno(2)).toEqual([252, 255, 164])
})
