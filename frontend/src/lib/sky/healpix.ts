/** HEALPix cells in nested order (Górski et al. 2005), for orders up to 12. */
import type { Vector } from './vector'

const RING_OF_FACE = [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]
const LONGITUDE_OF_FACE = [1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7]

/** Nested index of the cell that holds a unit vector. */
export function cellOf(order: number, x: number, y: number, z: number): number {
  const side = 2 ** order
  const turn = (((Math.atan2(y, x) / (Math.PI / 2)) % 4) + 4) % 4
  const height = Math.abs(z)
  if (height <= 2 / 3) {
    const [along, across] = [side * (0.5 + turn), side * z * 0.75]
    const [up, down] = [Math.floor(along - across), Math.floor(along + across)]
    const [a, b] = [Math.floor(up / side), Math.floor(down / side)]
    const face = a === b ? a | 4 : a < b ? a : b + 8
    return nested(order, face, down % side, side - (up % side) - 1)
  }
  const quarter = Math.min(3, Math.floor(turn))
  const part = turn - quarter
  const size = (side * Math.hypot(x, y)) / Math.sqrt((1 + height) / 3)
  const up = Math.min(side - 1, Math.floor(part * size))
  const down = Math.min(side - 1, Math.floor((1 - part) * size))
  return z >= 0 ? nested(order, quarter, side - down - 1, side - up - 1) : nested(order, quarter + 8, up, down)
}

function nested(order: number, face: number, ix: number, iy: number): number {
  let index = face
  for (let bit = order - 1; bit >= 0; bit--) index = 4 * index + ((ix >> bit) & 1) + 2 * ((iy >> bit) & 1)
  return index
}

/** The four corners of a cell as unit vectors: north, west, south, east. */
export function cornersOf(order: number, cell: number): Vector[] {
  const side = 2 ** order
  const face = Math.floor(cell / (side * side))
  let [ix, iy] = [0, 0]
  for (let bit = 0, rest = cell % (side * side); bit < order; bit++, rest = Math.floor(rest / 4)) {
    ix += (rest % 2) << bit
    iy += (Math.floor(rest / 2) % 2) << bit
  }
  const at = (i: number, j: number): Vector => onFace(face, (ix + i) / side, (iy + j) / side)
  return [at(1, 1), at(0, 1), at(0, 0), at(1, 0)]
}

function onFace(face: number, x: number, y: number): Vector {
  const ring = RING_OF_FACE[face]! - x - y
  let scale = 1
  let z = ((2 - ring) * 2) / 3
  if (ring < 1) {
    scale = ring
    z = 1 - (ring * ring) / 3
  } else if (ring > 3) {
    scale = 4 - ring
    z = (scale * scale) / 3 - 1
  }
  const steps = LONGITUDE_OF_FACE[face]! * scale + x - y
  const longitude = scale < 1e-15 ? 0 : (Math.PI / 4) * (steps / scale)
  const radius = scale < 1 ? scale * Math.sqrt((2 - (scale * scale) / 3) / 3) : Math.sqrt(1 - z * z)
  return [radius * Math.cos(longitude), radius * Math.sin(longitude), z]
}
