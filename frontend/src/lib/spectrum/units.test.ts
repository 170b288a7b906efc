import { describe, expect, it } from 'vitest'
import { alternatives, AXES, densityOf, factor, micronsPer } from './units'
import cases from './testdata/units.json'

const near = (found: number, wanted: number) => expect(Math.abs(found / wanted - 1)).toBeLessThan(1e-13)

describe('conversions are those of astropy', () => {
  it('along the axis', () => {
    for (const each of cases)
      for (const axis of AXES) {
        const wanted = (each.x as Record<string, number>)[axis.name]!
        const found = axis.from(each.wavelength, each.rest)
        // a velocity near 0 is a difference of numbers near 1
        expect(Math.abs(found - wanted)).toBeLessThan(Math.abs(wanted) * 1e-13 + (axis.name === 'km/s' ? 1e-9 : 0))
        near(axis.to(wanted, each.rest), each.wavelength)
      }
  })

  it.each(['flux', 'surface'] as const)('of %s', (kind) => {
    for (const each of cases)
      for (const [from, row] of Object.entries(each[kind] as Record<string, Record<string, number>>))
        for (const [to, wanted] of Object.entries(row))
          near(each.value * factor(densityOf(from)!, densityOf(to)!, each.wavelength), wanted)
  })
})

it('knows the spellings of files', () => {
  expect(densityOf('MJy sr-1')?.name).toBe('MJy/sr')
  expect(densityOf('ujy')?.name).toBe('uJy')
  expect(densityOf('mJy')?.factor).toBeCloseTo(1e-29, 40)
  expect(densityOf('MJy')?.factor).toBeCloseTo(1e-20, 32)
  expect(densityOf('DN/s')).toBeNull()
  expect(micronsPer('microns')).toBe(1)
  expect(micronsPer('pixel')).toBeNull()
})

it('never turns a surface brightness into a flux', () => {
  expect(alternatives(densityOf('MJy/sr')!).every((each) => each.surface)).toBe(true)
  expect(alternatives(densityOf('Jy')!).some((each) => each.surface)).toBe(false)
})
