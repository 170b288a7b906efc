import { describe, expect, it } from 'vitest'
import { isoFromMjd, mjd, utc, utcFromMjd } from './times'

describe('MJD and UTC', () => {
  it('meets known moments', () => {
    expect(isoFromMjd(40587)).toBe('1970-01-01T00:00:00.000Z')
    expect(isoFromMjd(51544.5)).toBe('2000-01-01T12:00:00.000Z')
    expect(utcFromMjd(59773.25, 'minute')).toBe('2022-07-13 06:00')
    expect(utcFromMjd(59773.25, 'day')).toBe('2022-07-13')
  })

  it('keeps milliseconds through there and back', () => {
    for (const value of [59773.123456789, 60999.999999, 51544.5]) {
      expect(Math.abs(mjd(isoFromMjd(value)) - value) * 86400).toBeLessThan(0.001)
    }
  })

  it('reads dates of any length, and bare MJD', () => {
    expect(mjd('2025-09')).toBe(mjd('2025-09-01'))
    expect(mjd('2025')).toBe(mjd('2025-01-01'))
    expect(mjd('60000.5')).toBe(60000.5)
    expect(mjd('2025-09-01T00:00:00')).toBe(mjd('2025-09-01'))
    expect(mjd('soon')).toBeNaN()
  })

  it('does not show a minute before it has begun', () => {
    expect(utcFromMjd(40587 + 59.9 / 86400)).toBe('1970-01-01 00:00')
  })
})

it('takes a time without zone for UTC', () => {
  expect(utc('2026-03-18T09:30:00')).toBe('2026-03-18 09:30')
  expect(utc('2026-03-18T09:30:00Z', 'day')).toBe('2026-03-18')
})
