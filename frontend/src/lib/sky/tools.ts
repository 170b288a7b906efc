/** Drawing regions with the pointer. */
import type { Camera } from './camera'
import { circleThrough, polygonThrough, type Region } from './region'
import type { Vector } from './vector'

export type Tool = 'pan' | 'cone' | 'polygon' | 'box'
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
