/** Apertures in pixels of a cube, as they are drawn and as the server reads them. */

export type Tool = 'spaxel' | 'circle' | 'box' | 'polygon'
export const TOOLS: Record<Tool, string> = { spaxel: 'Spaxel', circle: 'Circle', box: 'Box', polygon: 'Polygon' }
export type Point = readonly [number, number]

export interface Aperture {
  tool: Tool
  numbers: number[]
}

const COUNTS: Record<Tool, (count: number) => boolean> = {
  spaxel: (count) => count === 2,
  circle: (count) => count === 3,
  box: (count) => count === 4 || count === 5,
  polygon: (count) => count >= 6 && count % 2 === 0,
}

/** Read what an address says; null where it is no aperture. */
export function parseAperture(text: string | null): Aperture | null {
  const [tool, ...words] = (text ?? '').trim().split(/[\s,]+/)
  if (!tool || !(tool in COUNTS)) return null
  const numbers = words.map(Number)
  return numbers.every(Number.isFinite) && COUNTS[tool as Tool](numbers.length) ? { tool: tool as Tool, numbers } : null
}

const written = (value: number) => String(Number(value.toFixed(2)))
export const apertureText = (aperture: Aperture): string => [aperture.tool, ...aperture.numbers.map(written)].join(' ')

/** What dragging from one point to another makes; a click makes something small. */
export function dragged(tool: Exclude<Tool, 'polygon'>, from: Point, to: Point): Aperture {
  if (tool === 'spaxel') return { tool, numbers: [Math.round(to[0]), Math.round(to[1])] }
  if (tool === 'circle') {
    const radius = Math.hypot(to[0] - from[0], to[1] - from[1])
    return { tool, numbers: [from[0], from[1], Math.max(radius, 0.5)] }
  }
  const [width, height] = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])]
  return { tool, numbers: [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2, Math.max(width, 1), Math.max(height, 1)] }
}

/** The corners of a polygon. */
export function corners(numbers: readonly number[]): Point[] {
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i]!, numbers[2 * i + 1]!] as const)
}

/** The same aperture so many pixels further. */
export function moved(aperture: Aperture, x: number, y: number): Aperture {
  const numbers = aperture.numbers.map((value, i) => {
    if (aperture.tool !== 'polygon' && i > 1) return value
    return value + (i % 2 ? y : x)
  })
  return { ...aperture, numbers }
}
