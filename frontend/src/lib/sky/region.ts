/** Regions of the sky as the archive writes them: DALI or STC-S text, ICRS, degrees. */
import { DEGREE, offset, separation, tangent, toPosition, toVector, type Vector } from './vector'

export type Region =
  | { kind: 'circle'; ra: number; dec: number; radius: number }
  | { kind: 'polygon'; vertices: [number, number][] }

const WORD = /[^\s(),]+/g
const FRAMES = new Set(['ICRS', 'FK5', 'J2000', 'GEOCENTER', 'TOPOCENTER', 'BARYCENTER', 'UNKNOWNREFPOS', 'SPHERICAL2'])

/**
 * Parse `POLYGON ICRS …`, `CIRCLE ICRS …` and `BOX …`, also several of them in a row or in a `UNION`.
 *
 * Text that says nothing drawable gives an empty list: a missing outline is no reason to lose the others.
 */
export function parseRegion(text: string | null | undefined): Region[] {
  if (!text) return []
  const regions: Region[] = []
  let shape = ''
  let numbers: number[] = []
  const close = (): void => {
    const region = toRegion(shape, numbers)
    if (region) regions.push(region)
    numbers = []
  }
  for (const word of text.match(WORD) ?? []) {
    const value = Number(word)
    if (Number.isFinite(value)) {
      numbers.push(value)
      continue
    }
    const upper = word.toUpperCase()
    if (FRAMES.has(upper)) continue
    close()
    shape = upper
  }
  close()
  return regions
}

function toRegion(shape: string, numbers: number[]): Region | null {
  if (shape === 'CIRCLE' && numbers.length === 3) {
    const [ra, dec, radius] = numbers as [number, number, number]
    return { kind: 'circle', ra, dec, radius }
  }
  if (shape === 'BOX' && numbers.length === 4) return box(...(numbers as [number, number, number, number]))
  if (shape !== 'POLYGON' || numbers.length < 6 || numbers.length % 2) return null
  const vertices: [number, number][] = []
  for (let i = 0; i < numbers.length; i += 2) vertices.push([numbers[i]!, numbers[i + 1]!])
  const [first, last] = [vertices[0]!, vertices[vertices.length - 1]!]
  if (first[0] === last[0] && first[1] === last[1]) vertices.pop()
  return vertices.length < 3 ? null : { kind: 'polygon', vertices }
}

/** A box of great circles that meet a cross of the given width and height at right angles (ADQL 2.1 §4.2.9). */
function box(ra: number, dec: number, width: number, height: number): Region {
  const centre = toVector(ra, dec)
  const { east, north } = tangent(ra, dec)
  const [x, y] = [Math.tan((width * DEGREE) / 2), Math.tan((height * DEGREE) / 2)]
  const corner = (e: number, n: number): Vector => [
    centre[0] + e * x * east[0] + n * y * north[0],
    centre[1] + e * x * east[1] + n * y * north[1],
    centre[2] + e * x * east[2] + n * y * north[2],
  ]
  return polygonThrough([corner(-1, 1), corner(1, 1), corner(1, -1), corner(-1, -1)])
}

/** DALI text of a region, as the `position` parameter of a search takes it. */
export function regionText(region: Region): string {
  const numbers = region.kind === 'circle' ? [region.ra, region.dec, region.radius] : region.vertices.flat()
  return [region.kind, ...numbers.map((value) => Number(value.toFixed(7)))].join(' ')
}

/** Corners of a region on the sphere; a circle becomes `steps` of them. */
export function outline(region: Region, steps = 90): Vector[] {
  if (region.kind === 'polygon') return region.vertices.map(([ra, dec]) => toVector(ra, dec))
  const corners: Vector[] = []
  for (let i = 0; i < steps; i++) {
    corners.push(offset(region.ra, region.dec, region.radius * DEGREE, (2 * Math.PI * i) / steps))
  }
  return corners
}

/** The circle around `centre` on which `rim` lies. */
export function circleThrough(centre: Vector, rim: Vector): Region {
  return { kind: 'circle', ...toPosition(centre), radius: separation(centre, rim) / DEGREE }
}

/** A polygon with the given corners (vectors of any length). */
export function polygonThrough(corners: readonly Vector[]): Region {
  return {
    kind: 'polygon',
    vertices: corners.map((corner) => {
      const { ra, dec } = toPosition(corner)
      return [ra, dec]
    }),
  }
}
