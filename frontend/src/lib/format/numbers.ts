import { MINUS } from './angles'

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `1,041,277`. */
export function count(value: number | string): string {
  return GROUPED.format(typeof value === 'string' ? BigInt(value) : value)
}

/** A byte count as `4.1 GB`; two figures below ten, powers of a thousand. */
export function size(bytes: number | string): string {
  let value = Number(bytes)
  if (!Number.isFinite(value)) return ''
  if (value < 1000) return `${value} B`
  for (const unit of ['kB', 'MB', 'GB', 'TB', 'PB']) {
    value /= 1000
    if (value < 999.5 || unit === 'PB') return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`
  }
  return ''
}

/** A number for reading: few figures, the minus U+2212. */
export function figure(value: number, figures = 6): string {
  if (!Number.isFinite(value)) return ''
  const magnitude = Math.abs(value)
  const text =
    magnitude !== 0 && (magnitude >= 1e9 || magnitude < 1e-4)
      ? value.toExponential(Math.min(figures - 1, 4)).replace(/\.?0+e/, 'e')
      : String(Number(value.toPrecision(figures)))
  return text.replace('-', MINUS)
}

/** Metres as micrometres: `1.874 µm`. */
export function wavelength(metres: number): string {
  return `${Number((metres * 1e6).toPrecision(4))} µm`
}

/** Seconds as an exposure time on an axis: `90 s`, `1 ks`. */
export function exposure(seconds: number): string {
  if (seconds >= 1000) return `${Number((seconds / 1000).toPrecision(3))} ks`
  return `${Number(seconds.toPrecision(3))} s`
}
