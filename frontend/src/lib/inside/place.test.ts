import { expect, it } from 'vitest'
import { addressWith, inside, numberAt, rangeAt, rangeText } from './place'
import { isFirst, viewerOf } from './viewers'

const place = (values: Record<string, string>) => ({ get: (name: string) => values[name] ?? null, set: () => undefined })

it('reads what is a number or a range, and nothing else', () => {
  expect(rangeAt(place({ x: '1.5..2' }), 'x')).toEqual([1.5, 2])
  for (const text of ['2..1', '1', '1..', '..2', 'a..b', '1..2..3', '1..Infinityx']) expect(rangeAt(place({ x: text }), 'x')).toBeNull()
  expect(numberAt(place({ z: ' ' }), 'z')).toBeNull()
  expect(numberAt(place({ z: '7.5' }), 'z')).toBe(7.5)
})

it('writes a range with the digits it needs', () => {
  expect(rangeText([1.23456789, 1.33456789])).toBe('1.23457..1.33457')
  expect(rangeText([-20_000.4, 30_000.2])).toBe('-20000..30000')
})

it('leaves out what is not given', () => {
  expect(addressWith('/a', { b: 1, c: null, d: '' })).toBe('/a?b=1')
  expect(inside('a b.fits', 'spectra')).toBe('/api/v1/products/a%20b.fits/spectra')
})

it('chooses a viewer by suffix', () => {
  expect(viewerOf({ suffix: 'x1dints', extension: 'fits' })).toBe('series')
  expect(viewerOf({ suffix: 'i2d', extension: 'fits' })).toBeNull()
  expect(viewerOf({ suffix: null, extension: 'ecsv' })).toBe('table')
  expect(isFirst('table', { suffix: 'cat' })).toBe(false)
})
