/** Where a viewer keeps what it shows: the address of the page. */
export interface Place {
  get(name: string): string | null
  set(changes: Record<string, string | null>): void
}

/** A number of the address; what is none is left out. */
export function numberAt(place: Place, name: string): number | null {
  const text = place.get(name)
  const value = text === null || text.trim() === '' ? NaN : Number(text)
  return Number.isFinite(value) ? value : null
}

/** Two numbers with `..` between them, the lower one first. */
export function rangeAt(place: Place, name: string): [number, number] | null {
  const [low, high, ...more] = (place.get(name) ?? '').split('..').map((part) => (part.trim() === '' ? NaN : Number(part)))
  if (low === undefined || high === undefined || more.length || !(low < high)) return null
  return [low, high]
}

/** A range for the address, with as many digits as its width asks for. */
export function rangeText(range: readonly [number, number] | null): string | null {
  if (!range) return null
  const digits = Math.max(0, Math.min(12, 4 - Math.floor(Math.log10(range[1] - range[0]))))
  return range.map((value) => String(Number(value.toFixed(digits)))).join('..')
}

const named = (name: string) => encodeURIComponent(name)
/** Where something inside a product is asked for. */
export const inside = (filename: string, path: string) => `/api/v1/products/${named(filename)}/${path}`

export function addressWith(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}
