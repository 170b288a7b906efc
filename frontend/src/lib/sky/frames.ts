/** Frames in which positions are read and the graticule is drawn. Directions themselves are always ICRS. */
import { normalise, tangent, toPosition, toVector, type Position, type Vector } from './vector'

export const FRAMES = ['ICRS', 'GALACTIC', 'ECLIPTIC'] as const
export type Frame = (typeof FRAMES)[number]

/** What people call a frame and its two angles. */
export const NAMES: Record<Frame, { frame: string; axes: readonly [string, string] }> = {
  ICRS: { frame: 'ICRS', axes: ['RA', 'Dec'] },
  GALACTIC: { frame: 'Galactic', axes: ['l', 'b'] },
  ECLIPTIC: { frame: 'Ecliptic', axes: ['λ', 'β'] },
}

type Matrix = readonly [Vector, Vector, Vector]

/** From ICRS: the IAU 1958 galactic system, and the mean ecliptic of J2000.0 (IAU 2006). */
const TURNS: Record<Exclude<Frame, 'ICRS'>, Matrix> = {
  GALACTIC: [
    [-0.05487565771259168, -0.8734370519556163, -0.4838350736167155],
    [0.4941094371927275, -0.4448297212232952, 0.7469821839866676],
    [-0.8676661375596587, -0.1980763372730008, 0.45598381368730156],
  ],
  ECLIPTIC: [
    [0.9999999999999942, -7.078369003234052e-08, 8.056213995920107e-08],
    [3.289700425778791e-08, 0.9174821299149584, 0.3977769994440483],
    [-1.0207044695245127e-07, -0.39777699944404316, 0.9174821299149556],
  ],
}

/** The components of an ICRS direction in a frame. */
export function seenIn(frame: Frame, [x, y, z]: Vector): Vector {
  if (frame === 'ICRS') return [x, y, z]
  const [a, b, c] = TURNS[frame]
  return [a[0] * x + a[1] * y + a[2] * z, b[0] * x + b[1] * y + b[2] * z, c[0] * x + c[1] * y + c[2] * z]
}

/** The ICRS direction with these components in a frame. */
export function fromFrame(frame: Frame, [x, y, z]: Vector): Vector {
  if (frame === 'ICRS') return [x, y, z]
  const [a, b, c] = TURNS[frame]
  return normalise([a[0] * x + b[0] * y + c[0] * z, a[1] * x + b[1] * y + c[1] * z, a[2] * x + b[2] * y + c[2] * z])
}

/** An ICRS position in the angles of a frame, and back; degrees. */
export function toFrame(frame: Frame, place: Position): Position {
  return frame === 'ICRS' ? place : toPosition(seenIn(frame, toVector(place.ra, place.dec)))
}
export function toIcrs(frame: Frame, place: Position): Position {
  return frame === 'ICRS' ? place : toPosition(fromFrame(frame, toVector(place.ra, place.dec)))
}

/** East and north of a frame at an ICRS position. */
export function tangentIn(frame: Frame, place: Position): { east: Vector; north: Vector } {
  const own = toFrame(frame, place)
  const { east, north } = tangent(own.ra, own.dec)
  return { east: fromFrame(frame, east), north: fromFrame(frame, north) }
}
