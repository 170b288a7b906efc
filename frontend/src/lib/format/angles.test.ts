import { describe, expect, it } from 'vitest'
import { copyable, degrees, hours, MINUS, position, separation } from './angles'

describe('sexagesimal angles', () => {
  it('writes hours and degrees', () => {
    expect(hours(159.3283333)).toBe('10:37:18.8')
    expect(degrees(-58.6283333)).toBe(`${MINUS}58:37:42`)
    expect(degrees(0.5)).toBe('+00:30:00')
  })

  it('keeps the sign of a declination just south of the equator', () => {
    expect(degrees(-0.25)).toBe(`${MINUS}00:15:00`)
  })

  it('rounds up through minutes and hours', () => {
    expect(hours(14.99999)).toBe('01:00:00.0')
    expect(degrees(59.99999)).toBe('+60:00:00')
    expect(degrees(-89.99999)).toBe(`${MINUS}90:00:00`)
  })

  it('turns 24 hours into none', () => {
    expect(hours(359.99999)).toBe('00:00:00.0')
    expect(hours(360)).toBe('00:00:00.0')
    expect(hours(-15)).toBe('23:00:00.0')
  })

  it('switches to decimal degrees', () => {
    expect(position(159.3283333, -58.6283333, 'decimal')).toBe(`159.32833 ${MINUS}58.62833`)
    expect(position(159.3283333, -58.6283333, 'sexagesimal', true)).toBe(`10:37:18.80 ${MINUS}58:37:42.0`)
  })
})

it('puts a hyphen on the clipboard', () => {
  expect(copyable(`10:36:29.6 ${MINUS}58:33:32`)).toBe('10:36:29.6 -58:33:32')
})

it('says a separation in its natural unit', () => {
  expect([2 / 3600, 0.2, 1.5].map(separation)).toEqual(['2″', '12′', '1.5°'])
})
