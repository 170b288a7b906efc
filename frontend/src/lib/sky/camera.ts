/**
 * The sky as it is seen: gnomonic (TAN), orthographic (SIN) or, for all of it, Hammer–Aitoff (AIT) projection onto a
 * canvas, east to the left of north. North is that of a frame, and up unless the view is turned.
 *
 * Same formulae as FITS WCS Paper II §5.1.3, §5.1.5 and §5.3.4; pixels are CSS pixels, origin top left.
 */
import { seenIn, tangentIn, toIcrs, type Frame } from './frames'
import { DEGREE, dot, normalise, toPosition, toVector, type Position, type Vector } from './vector'

export type Projection = 'TAN' | 'SIN' | 'AIT'

/** What is looked at. `fov` is the width of the canvas in degrees, at the scale of its centre. */
export interface View {
  ra: number
  dec: number
  fov: number
  /** `auto`: gnomonic for small fields, orthographic for wide ones, Hammer–Aitoff for all of the sky. */
  projection: 'auto' | Projection
  /** Position angle of what is up, degrees from north through east. */
  roll: number
}

/** Widest field, in degrees, that `auto` shows in gnomonic projection. */
export const WIDEST_TAN = 60
/** Widest field, in degrees, that `auto` shows as a globe. */
export const WIDEST_SIN = 200
/** Beyond this a gnomonic picture shows little but its own distortion. */
const LARGEST_TAN = 120
const SMALLEST_FOV = 0.5 / 3600
const LARGEST_FOV = 600

export function projectionOf(view: View): Projection {
  if (view.projection === 'TAN' && view.fov > LARGEST_TAN) return 'SIN'
  if (view.projection !== 'auto') return view.projection
  if (view.fov > WIDEST_SIN) return 'AIT'
  return view.fov > WIDEST_TAN ? 'SIN' : 'TAN'
}

/** A view with its centre on the sphere and its field within what can be shown. */
export function tidy(view: View): View {
  const ra = ((view.ra % 360) + 360) % 360
  const dec = Math.max(-90, Math.min(90, view.dec))
  const roll = ((((view.roll + 180) % 360) + 360) % 360) - 180
  return { ...view, ra, dec, roll, fov: Math.max(SMALLEST_FOV, Math.min(LARGEST_FOV, view.fov)) }
}

export class Camera {
  readonly centre: Vector
  /** Directions at right angles to the centre: to the left in the picture, and up. */
  readonly left: Vector
  readonly up: Vector
  readonly projection: Projection
  /** Pixels per radian at the centre. */
  readonly scale: number
  /** Smallest cosine of the distance from the centre that is drawn: the limb, or the edge of a gnomonic picture. */
  readonly nearest: number

  constructor(
    readonly view: View,
    readonly width: number,
    readonly height: number,
    readonly frame: Frame = 'ICRS',
  ) {
    this.centre = toVector(view.ra, view.dec)
    const { east, north } = tangentIn(frame, view)
    const [sin, cos] = [Math.sin(view.roll * DEGREE), Math.cos(view.roll * DEGREE)]
    const mixed = (a: number, b: number): Vector => [
      a * east[0] + b * north[0],
      a * east[1] + b * north[1],
      a * east[2] + b * north[2],
    ]
    this.left = mixed(cos, -sin)
    this.up = mixed(sin, cos)
    this.projection = projectionOf(view)
    this.scale = width / (view.fov * DEGREE)
    this.nearest = { TAN: 0.02, SIN: 0, AIT: -2 }[this.projection]
  }

  /** Degrees per pixel at the centre. */
  get pixel(): number {
    return this.view.fov / this.width
  }

  /** Pixel of a direction, or null where it lies behind the sky shown. */
  project(direction: Vector): [number, number] | null {
    const depth = dot(direction, this.centre)
    if (depth < this.nearest) return null
    const [east, north] = [dot(direction, this.left), dot(direction, this.up)]
    // what lies exactly opposite belongs to the western end, as `seam` has it
    if (this.projection === 'AIT') return this.flattened(Math.atan2(east || -0, depth), north)
    const factor = this.projection === 'TAN' ? this.scale / depth : this.scale
    return [this.width / 2 - factor * east, this.height / 2 - factor * north]
  }

  /** Where a great circle from `a` to `b` meets the seam of an all-sky picture, opposite its centre; null elsewhere. */
  seam(a: Vector, b: Vector): Vector | null {
    if (this.projection !== 'AIT') return null
    const [from, to] = [dot(a, this.left), dot(b, this.left)]
    if (from > 0 === to > 0 || from === to) return null
    const t = from / (from - to)
    const point: Vector = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])]
    return dot(point, this.centre) < 0 ? normalise(point) : null
  }

  /** Pixel of a direction on the seam, at the eastern (1) or western (-1) end of the picture. */
  onSeam(direction: Vector, side: 1 | -1): [number, number] {
    return this.flattened(side * Math.PI, dot(direction, this.up))
  }

  /** Hammer–Aitoff pixel of a longitude from the centre (radians, eastwards) and the sine of a latitude. */
  private flattened(longitude: number, sine: number): [number, number] {
    const cosine = Math.sqrt(Math.max(0, 1 - sine * sine))
    const factor = this.scale * Math.sqrt(2 / (1 + cosine * Math.cos(longitude / 2)))
    return [this.width / 2 - 2 * factor * cosine * Math.sin(longitude / 2), this.height / 2 - factor * sine]
  }

  /** Direction of a pixel, or null beside the disc of an orthographic picture. */
  unproject(x: number, y: number): Vector | null {
    const e = (this.width / 2 - x) / this.scale
    const n = (this.height / 2 - y) / this.scale
    if (this.projection === 'AIT') return this.roundedUp(e, n)
    const square = e * e + n * n
    let depth = 1
    let length = 1
    if (this.projection === 'TAN') length = Math.sqrt(1 + square)
    else if (square > 1) return null
    else depth = Math.sqrt(1 - square)
    return this.composed(depth / length, e / length, n / length)
  }

  /** The direction with the given parts towards the centre, east and north. */
  private composed(depth: number, e: number, n: number): Vector {
    const [c, east, north] = [this.centre, this.left, this.up]
    return [
      depth * c[0] + e * east[0] + n * north[0],
      depth * c[1] + e * east[1] + n * north[1],
      depth * c[2] + e * east[2] + n * north[2],
    ]
  }

  private roundedUp(e: number, n: number): Vector | null {
    const square = 1 - (e / 4) ** 2 - (n / 2) ** 2
    if (square < 0.5) return null
    const root = Math.sqrt(square)
    const longitude = 2 * Math.atan2(root * e, 2 * (2 * square - 1))
    const sine = Math.max(-1, Math.min(1, root * n))
    const cosine = Math.sqrt(1 - sine * sine)
    return this.composed(cosine * Math.cos(longitude), cosine * Math.sin(longitude), sine)
  }

  /** Position of a pixel in ICRS degrees. */
  positionAt(x: number, y: number): Position | null {
    const direction = this.unproject(x, y)
    return direction && toPosition(direction)
  }

  /** Angle in radians from the centre to the farthest point in the picture. */
  get reach(): number {
    if (this.projection === 'AIT') return Math.PI
    const corner = Math.hypot(this.width, this.height) / 2 / this.scale
    if (this.projection === 'TAN') return Math.min(Math.atan(corner), Math.acos(this.nearest))
    return corner >= 1 ? Math.PI / 2 : Math.asin(corner)
  }

  /** Width and height of the picture in degrees, measured along its middle lines. */
  get extent(): { width: number; height: number } {
    if (this.projection === 'AIT') {
      // along its axes the projection is 4 sin(λ/4) and 2 sin(φ/2)
      const share = (pixels: number, whole: number): number => Math.min(Math.SQRT1_2, pixels / 2 / this.scale / whole)
      return { width: (8 * Math.asin(share(this.width, 4))) / DEGREE, height: (4 * Math.asin(share(this.height, 2))) / DEGREE }
    }
    const along = (pixels: number): number => {
      const half = pixels / 2 / this.scale
      const angle = this.projection === 'TAN' ? Math.atan(half) : half >= 1 ? Math.PI / 2 : Math.asin(half)
      return (2 * angle) / DEGREE
    }
    return { width: along(this.width), height: along(this.height) }
  }

  /**
   * The view that shows `direction` at the pixel (x, y), found by a few steps of correction.
   *
   * Close to a pole, north up can leave no such view: then null.
   */
  placing(direction: Vector, x: number, y: number): View | null {
    const want = toPosition(seenIn(this.frame, direction))
    let middle = toPosition(seenIn(this.frame, this.centre))
    let view = this.view
    for (let step = 0; step < 16; step++) {
      const found = this.at(view).unproject(x, y)
      if (!found) return null
      const there = toPosition(seenIn(this.frame, found))
      const turn = ((want.ra - there.ra + 540) % 360) - 180
      const tilt = want.dec - there.dec
      if (Math.hypot(turn * Math.cos(want.dec * DEGREE), tilt) < 1e-4 * this.pixel) return view
      middle = { ra: middle.ra + turn, dec: Math.max(-90, Math.min(90, middle.dec + tilt)) }
      view = tidy({ ...view, ...toIcrs(this.frame, middle) })
    }
    return null
  }

  /** The camera of the same picture for another view. */
  at(view: View): Camera {
    return new Camera(view, this.width, this.height, this.frame)
  }

  /** The view after a drag of the sky from one pixel to another. */
  dragged(from: readonly [number, number], to: readonly [number, number]): View {
    const held = this.unproject(...from)
    const view = held && this.placing(held, ...to)
    if (view) return view
    const centre = this.positionAt(this.width / 2 + from[0] - to[0], this.height / 2 + from[1] - to[1])
    return centre ? tidy({ ...this.view, ...centre }) : this.view
  }

  /** The view magnified by `factor`, keeping the direction under the pixel (x, y) in place. */
  zoomed(factor: number, x = this.width / 2, y = this.height / 2): View {
    const view = tidy({ ...this.view, fov: this.view.fov / factor })
    const held = this.unproject(x, y)
    if (!held) return view
    return this.at(view).placing(held, x, y) ?? view
  }

  /** The view turned by `angle` degrees, anticlockwise in the picture, about its centre. */
  turned(angle: number): View {
    return tidy({ ...this.view, roll: this.view.roll - angle })
  }

  /** Unit steps in pixels towards north and east at the centre. */
  get compass(): { north: [number, number]; east: [number, number] } {
    const [sin, cos] = [Math.sin(this.view.roll * DEGREE), Math.cos(this.view.roll * DEGREE)]
    return { north: [sin, -cos], east: [-cos, -sin] }
  }
}
