/** Angles as astronomers read them. On screen a minus is U+2212; copied text carries a hyphen. */

export const MINUS = '\u2212'

/** `a:b:c` of a number of units, rounded once so that 59.96 becomes the next minute and not 60.0. */
function sexagesimal(units: number, decimals: number, digits: number): string {
  const scale = 10 ** decimals
  const ticks = Math.round(units * 3600 * scale)
  const seconds = ticks % (60 * scale)
  const minutes = Math.floor(ticks / (60 * scale)) % 60
  const whole = Math.floor(ticks / (3600 * scale))
  const fraction = decimals ? `.${String(seconds % scale).padStart(decimals, '0')}` : ''
  const pad = (value: number, width = 2) => String(value).padStart(width, '0')
  return `${pad(whole, digits)}:${pad(minutes)}:${pad(Math.floor(seconds / scale))}${fraction}`
}

/** Right ascension in degrees as hours: `10:36:29.6`. */
export function hours(ra: number, decimals = 1): string {
  const turned = ((ra % 360) + 360) % 360
  const ticks = 24 * 3600 * 10 ** decimals
  const rounded = Math.round((turned / 15) * 3600 * 10 ** decimals) % ticks
  return sexagesimal(rounded / 3600 / 10 ** decimals, decimals, 2)
}

/** Declination in degrees with sign: `−58:33:32`. */
export function degrees(dec: number, decimals = 0): string {
  return (dec < 0 ? MINUS : '+') + sexagesimal(Math.abs(dec), decimals, 2)
}

export type CoordinateStyle = 'sexagesimal' | 'decimal'

/** A position with about the precision of a tenth of an arcsecond (`fine`) or of an arcsecond. */
export function position(ra: number, dec: number, style: CoordinateStyle, fine = false): string {
  if (style === 'sexagesimal') return `${hours(ra, fine ? 2 : 1)} ${degrees(dec, fine ? 1 : 0)}`
  const digits = fine ? 6 : 5
  return `${ra.toFixed(digits)} ${dec < 0 ? MINUS : '+'}${Math.abs(dec).toFixed(digits)}`
}

/** A separation in degrees in its natural unit: `2″`, `12′`, `1.5°`. */
export function separation(angle: number): string {
  const short = (value: number) => String(Number(value.toPrecision(3)))
  if (angle < 1 / 60) return `${short(angle * 3600)}″`
  if (angle < 1) return `${short(angle * 60)}′`
  return `${short(angle)}°`
}

/** Text as it should land on the clipboard. */
export function copyable(text: string): string {
  return text.replaceAll(MINUS, '-')
}
