/** Times are UTC, ISO 8601; the catalogue keeps exposures in MJD (UTC). */

const UNIX_EPOCH = 40587
const DAY = 86_400_000

export type Precision = 'day' | 'minute' | 'second' | 'millisecond'
const KEPT: Record<Precision, [characters: number, milliseconds: number]> = {
  day: [10, DAY],
  minute: [16, 60_000],
  second: [19, 1000],
  millisecond: [23, 1],
}

function written(milliseconds: number, precision: Precision): string {
  const [characters, unit] = KEPT[precision]
  // Dates and minutes are read off a clock, so they are cut; finer ones are rounded.
  const ticks = unit >= 60_000 ? Math.floor(milliseconds / unit + 1e-9) : Math.round(milliseconds / unit)
  const date = new Date(ticks * unit)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, characters)
}

/** `2025-03-12 10:42` of an MJD; with `T` and `Z` on copy and in addresses (`isoFromMjd`). */
export function utcFromMjd(mjd: number, precision: Precision = 'minute'): string {
  return written((mjd - UNIX_EPOCH) * DAY, precision).replace('T', ' ')
}

export function isoFromMjd(mjd: number, precision: Precision = 'millisecond'): string {
  const text = written((mjd - UNIX_EPOCH) * DAY, precision)
  return precision === 'day' || !text ? text : `${text}Z`
}

/** MJD of an ISO date or of a bare MJD; NaN for anything else. */
export function mjd(text: string): number {
  if (/^\d+(\.\d*)?$/.test(text) && Number(text) > 9999) return Number(text)
  const dated = /^\d{4}(-\d\d(-\d\d(T[\d:.]+Z?)?)?)?$/.test(text)
  if (!dated) return NaN
  return Date.parse(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text) / DAY + UNIX_EPOCH
}

/** A timestamp of the server for reading: `2026-03-18`, or with its minute. */
export function utc(iso: string, precision: Precision = 'minute'): string {
  const milliseconds = Date.parse(/Z|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(milliseconds) ? iso : written(milliseconds, precision).replace('T', ' ')
}
