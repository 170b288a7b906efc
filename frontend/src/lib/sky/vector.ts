/** Directions on the sphere as unit vectors; angles in radians, positions in ICRS degrees. */

export type Vector = readonly [number, number, number]

/** A position: right ascension and declination in degrees. */
export interface Position {
  ra: number
  dec: number
}

export const DEGREE = Math.PI / 180
export const ARCSEC = DEGREE / 3600

export function toVector(ra: number, dec: number): Vector {
  const cosDec = Math.cos(dec * DEGREE)
  return [cosDec * Math.cos(ra * DEGREE), cosDec * Math.sin(ra * DEGREE), Math.sin(dec * DEGREE)]
}

/** Position of a vector of any length; ra in [0, 360). Exact near the poles, where an arcsine is not. */
export function toPosition([x, y, z]: Vector): Position {
  const ra = Math.atan2(y, x) / DEGREE
  return { ra: ra < 0 ? ra + 360 : ra, dec: Math.atan2(z, Math.hypot(x, y)) / DEGREE }
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

export function normalise([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z)
  return [x / length, y / length, z / length]
}

/** Angle between two directions in radians, exact for very small and for nearly opposite ones. */
export function separation(a: Vector, b: Vector): number {
  const [x, y, z] = cross(a, b)
  return Math.atan2(Math.hypot(x, y, z), dot(a, b))
}

/** Point at the fraction `t` of the great circle from `a` to `b`. */
export function between(a: Vector, b: Vector, t: number): Vector {
  const angle = separation(a, b)
  if (angle < 1e-12) return a
  const [p, q] = [Math.sin((1 - t) * angle), Math.sin(t * angle)]
  return normalise([p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]])
}

/** Local east and north at a position; at a pole they continue along its right ascension. */
export function tangent(ra: number, dec: number): { east: Vector; north: Vector } {
  const [sinRa, cosRa] = [Math.sin(ra * DEGREE), Math.cos(ra * DEGREE)]
  const [sinDec, cosDec] = [Math.sin(dec * DEGREE), Math.cos(dec * DEGREE)]
  return { east: [-sinRa, cosRa, 0], north: [-sinDec * cosRa, -sinDec * sinRa, cosDec] }
}

/** Direction at the angle `radius` (radians) from a position, towards `angle` (radians, from north to east). */
export function offset(ra: number, dec: number, radius: number, angle: number): Vector {
  const centre = toVector(ra, dec)
  const { east, north } = tangent(ra, dec)
  const [along, e, n] = [Math.cos(radius), Math.sin(radius) * Math.sin(angle), Math.sin(radius) * Math.cos(angle)]
  return [
    along * centre[0] + e * east[0] + n * north[0],
    along * centre[1] + e * east[1] + n * north[1],
    along * centre[2] + e * east[2] + n * north[2],
  ]
}
