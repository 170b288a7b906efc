import { expect, it } from 'vitest'
import { MINUS } from './angles'
import { instrument, shortened } from './names'
import { count, exposure, figure, size, wavelength } from './numbers'

it('groups counts, also beyond 2^53', () => {
  expect(count(1041277)).toBe('1,041,277')
  expect(count('9223372036854775807')).toBe('9,223,372,036,854,775,807')
})

it.each([
  ['999', '999 B'],
  ['1000', '1.0 kB'],
  ['14400', '14 kB'],
  ['4100000000', '4.1 GB'],
  ['999600', '1.0 MB'],
  ['9960', '10 kB'],
])('writes %s bytes as %s', (bytes, text) => expect(size(bytes)).toBe(text))

it('writes figures with a true minus and few digits', () => {
  expect(figure(-1.23456789)).toBe(`${MINUS}1.23457`)
  expect(figure(0)).toBe('0')
  expect(figure(1.5e-7)).toBe(`1.5e${MINUS}7`)
  expect(figure(NaN)).toBe('')
})

it('writes wavelengths and exposures for an axis', () => {
  expect(wavelength(1.874e-6)).toBe('1.874 µm')
  expect(exposure(90)).toBe('90 s')
  expect(exposure(11596.5)).toBe('11.6 ks')
})

it('writes instruments as their teams do', () => {
  expect(instrument('NIRCAM')).toBe('NIRCam')
  expect(instrument('NEWCAM')).toBe('NEWCAM')
})

it('shortens a file name by the prefix of its observation alone', () => {
  expect(shortened('jw02731-o001_t017_nircam_f187n_i2d.fits', 'jw02731-o001_t017_nircam_f187n')).toBe('…f187n_i2d.fits')
  expect(shortened('other_i2d.fits', 'jw02731-o001_t017_nircam_f187n')).toBe('other_i2d.fits')
})
