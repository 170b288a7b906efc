/** Drawing regions with the pointer. */
import type { Camera } from './camera'
import { circleThrough, polygonThrough, type Region } from './region'
import { DEGREE, separation, type Vector } from './vector'

export type Tool = 'pan' | 'cone' | 'polygon' | 'box' | 'lasso'
export type Pixel = readonly [number, number]

/** Movements shorter than this are clicks, in pixels. */
export const CLICK = 4

/** The region dragged from one pixel to another; null while it has no area or leaves the sky. */
export function dragged(tool: 'cone' | 'box', camera: Camera, from: Pixel, to: Pixel): Region | null {
  if (Math.abs(to[0] - from[0]) < CLICK && Math.abs(to[1] - from[1]) < CLICK) return null
  if (tool === 'cone') {
    const [centre, rim] = [camera.unproject(...from), camera.unproject(...to)]
    return centre && rim && circleThrough(centre, rim)
  }
  if (Math.abs(to[0] - from[0]) < CLICK || Math.abs(to[1] - from[1]) < CLICK) return null
  const corners = ([from, [to[0], from[1]], to, [from[0], to[1]]] as Pixel[]).map((pixel) => camera.unproject(...pixel))
  return corners.every((corner) => corner !== null) ? polygonThrough(corners as Vector[]) : null
}

/** The polygon through clicked corners, or null with fewer than three. */
export function closed(corners: readonly Vector[]): Region | null {
  return corners.length < 3 ? null : polygonThrough(corners)
}

/** Corners of a lasso at most: a search by it stays an address. */
const MOST_CORNERS = 40

/**
 * The polygon of a line drawn around something, with few corners; null while it encloses nothing.
 *
 * A line that crosses itself encloses no one area: the hull of it is taken.
 */
export function lassoed(camera: Camera, drawn: readonly Pixel[]): Region | null {
  const line = drawn.filter((at) => camera.unproject(...at)) // it may lead beside the sky
  let corners: readonly Pixel[] = line
  for (let slack = 1; corners.length > MOST_CORNERS || slack === 1; slack *= 1.6) corners = thinned(line, slack)
  if (corners.length < 3) return null
  const outline = crosses(corners) ? hull(corners) : corners
  if (Math.abs(area(outline)) < CLICK * CLICK) return null
  const followed = outline.flatMap((at, i) => steps(camera, at, outline[(i + 1) % outline.length]!))
  return closed(followed.map((at) => camera.unproject(...at)).filter((at) => at !== null))
}

/** Sides of a polygon are great circles; longer ones would leave the line that was drawn, radians. */
const LONGEST_SIDE = 12 * DEGREE

/** Points from one pixel to just before another, near enough to each other on the sky. */
function steps(camera: Camera, from: Pixel, to: Pixel): Pixel[] {
  const count = Math.ceil(separation(camera.unproject(...from)!, camera.unproject(...to)!) / LONGEST_SIDE)
  return Array.from({ length: Math.max(1, count) }, (_, k): Pixel => {
    const t = k / Math.max(1, count)
    return [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]
  })
}

/** The line without the corners that lie within `slack` pixels of its simpler course (Ramer, Douglas and Peucker). */
function thinned(line: readonly Pixel[], slack: number): Pixel[] {
  const kept = new Set([0, line.length - 1])
  const parts: [number, number][] = [[0, line.length - 1]]
  for (let part = parts.pop(); part; part = parts.pop()) {
    let [farthest, at] = [slack, -1]
    for (let i = part[0] + 1; i < part[1]; i++) {
      const away = beside(line[i]!, line[part[0]]!, line[part[1]]!)
      if (away > farthest) [farthest, at] = [away, i]
    }
    if (at < 0) continue
    kept.add(at)
    parts.push([part[0], at], [at, part[1]])
  }
  return [...kept].sort((a, b) => a - b).map((i) => line[i]!)
}

/** Distance of a point from a segment. */
function beside([x, y]: Pixel, [ax, ay]: Pixel, [bx, by]: Pixel): number {
  const square = (bx - ax) ** 2 + (by - ay) ** 2
  const t = square ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square)) : 0
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))
}

const side = (a: Pixel, b: Pixel, c: Pixel): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

function crosses(ring: readonly Pixel[]): boolean {
  return ring.some((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    return ring.some((c, k) => {
      const d = ring[(k + 1) % ring.length]!
      const apart = k > i + 1 && (k + 1) % ring.length !== i
      return apart && side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
    })
  })
}

/** The convex hull (Andrew's monotone chain). */
function hull(points: readonly Pixel[]): Pixel[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const half = (order: readonly Pixel[]): Pixel[] => {
    const chain: Pixel[] = []
    for (const point of order) {
      while (chain.length > 1 && side(chain[chain.length - 2]!, chain[chain.length - 1]!, point) <= 0) chain.pop()
      chain.push(point)
    }
    return chain.slice(0, -1)
  }
  return [...half(sorted), ...half(sorted.reverse())]
}

function area(ring: readonly Pixel[]): number {
  return ring.reduce((sum, a, i) => sum + a[0] * ring[(i + 1) % ring.length]![1] - a[1] * ring[(i + 1) % ring.length]![0], 0) / 2
}
