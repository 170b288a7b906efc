import { expect, it } from 'vitest'
import { apertureText, corners, dragged, moved, parseAperture } from './apertures'

it('reads what the server reads, and nothing else', () => {
  expect(parseAperture('circle 1.5 2 3')).toEqual({ tool: 'circle', numbers: [1.5, 2, 3] })
  for (const text of [null, '', 'circle 1 2', 'ellipse 1 2 3', 'box 1 2 3 x', 'polygon 1 2 3 4 5']) expect(parseAperture(text)).toBeNull()
  expect(apertureText(parseAperture('polygon 0 0 3 0 3 3.14159')!)).toBe('polygon 0 0 3 0 3 3.14')
})

it('makes apertures by dragging', () => {
  expect(dragged('spaxel', [1, 1], [4.4, 7.6]).numbers).toEqual([4, 8])
  expect(dragged('circle', [1, 1], [4, 5]).numbers).toEqual([1, 1, 5])
  expect(dragged('box', [5, 1], [1, 4]).numbers).toEqual([3, 2.5, 4, 3])
  expect(dragged('circle', [1, 1], [1, 1]).numbers).toEqual([1, 1, 0.5])
})

it('moves where an aperture is and not what it is', () => {
  expect(moved(parseAperture('circle 1 2 3')!, 1, -1).numbers).toEqual([2, 1, 3])
  expect(moved(parseAperture('box 1 2 3 4 45')!, 0, 1).numbers).toEqual([1, 3, 3, 4, 45])
  expect(corners(moved(parseAperture('polygon 0 0 3 0 3 3')!, 1, 2).numbers)).toEqual([[1, 2], [4, 2], [4, 5]])
})
