import { expect, it } from 'vitest'
import { shifted } from './lines'
import { pointsOf, runs, shown, smoothed } from './points'
import { AXES, densityOf } from './units'
import type { SpectrumDocument } from '../api/types'

const document = {
  filename: 'x1d.fits',
  spectrum: {},
  roles: { wavelength: 'WAVELENGTH', flux: 'FLUX', flux_error: 'FLUX_ERROR', quality: 'DQ' },
  columns: [
    { name: 'WAVELENGTH', unit: 'um', type: 'float64', description: '', values: [3, 2, null, 1] },
    { name: 'FLUX', unit: 'Jy', type: 'float64', description: '', values: [30, 20, 7, 10] },
    { name: 'FLUX_ERROR', unit: 'Jy', type: 'float64', description: '', values: [3, 2, 1, 1] },
    { name: 'DQ', unit: null, type: 'int32', description: '', values: [0, 5, 0, 4] },
  ],
} as unknown as SpectrumDocument

it('puts points in order, without those that have no wavelength', () => {
  const points = pointsOf(document, 'flux')!
  expect(points.wavelength).toEqual([1, 2, 3])
  expect(points.value).toEqual([10, 20, 30])
  expect(points.bad).toEqual([false, true, false])
})

it('shows no value where data quality forbids it, and tints the place', () => {
  const drawn = shown(pointsOf(document, 'flux')!, AXES[0]!, 1, densityOf('mJy'), 1)
  expect(drawn.y).toEqual([10_000, null, 30_000])
  expect(drawn.tints).toEqual([[1.5, 2.5]])
})

it('lets a frequency grow to the right', () => {
  const drawn = shown(pointsOf(document, 'flux')!, AXES[3]!, 1, densityOf('Jy'), 1)
  expect(drawn.x[0]).toBeLessThan(drawn.x[2]!)
  expect(drawn.y).toEqual([30, null, 10])
})

it('averages what is known', () => {
  expect(smoothed([1, null, 3, 5], 3)).toEqual([1, null, 4, 4])
  expect(smoothed([1, 2], 1)).toEqual([1, 2])
})

it('finds where something holds', () => {
  expect(runs([1, 2, 3, 4], [true, true, false, true])).toEqual([[1, 2.5], [3.5, 4]])
})

it('moves lines by the redshift', () => {
  const lines = shifted(['Hydrogen and helium'], 2, 1.9, 2.1)
  expect(lines.map((line) => line.name)).toEqual(['H α'])
  expect(lines[0]!.at).toBeCloseTo(1.9693842, 7)
})
