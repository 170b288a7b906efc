/** Footprints of a search, ready to be drawn and to be pointed at. */
import { outline, parseRegion } from './region'
import { DEGREE, cross, dot, normalise, separation, tangent, toPosition, toVector, type Vector } from './vector'

/** The columns of `/api/v1/footprints`. */
export interface Footprints {
  obs_number: string[]
  obs_id: string[]
  instrument_name: (string | null)[]
  calib_level: (number | null)[]
  s_ra: (number | null)[]
  s_dec: (number | null)[]
  s_region: (string | null)[]
}

/**
 * Outlines in flat arrays: footprint `i` owns the rings `firstRing[i]` … `firstRing[i + 1]`, ring `r` the
 * vertices `firstVertex[r]` … `firstVertex[r + 1]`. A footprint without an outline is a point.
 */
export class FootprintSet {
  readonly count: number
  readonly ids: string[]
  readonly names: string[]
  readonly instruments: string[]
  readonly index = new Map<string, number>()
  /** Unit vectors of the middles, three numbers each. */
  readonly centres: Float64Array
  /** Angle in radians from the middle to the farthest vertex; NaN for an observation without position. */
  readonly radii: Float64Array
  /** Steradians; decides which of several overlapping footprints a click takes. */
  readonly areas: Float64Array
  readonly firstRing: Uint32Array
  readonly firstVertex: Uint32Array
  readonly vertices: Float64Array

  constructor(data: Footprints) {
    this.count = data.obs_number.length
    this.ids = data.obs_number
    this.names = data.obs_id
    this.instruments = data.instrument_name.map((name) => name ?? '')
    this.centres = new Float64Array(3 * this.count)
    this.radii = new Float64Array(this.count)
    this.areas = new Float64Array(this.count)
    this.firstRing = new Uint32Array(this.count + 1)
    const firstVertex = [0]
    const vertices: number[] = []
    for (let i = 0; i < this.count; i++) {
      this.index.set(data.obs_number[i]!, i)
      const rings = parseRegion(data.s_region[i]).map((region) => outline(region))
      for (const ring of rings) {
        for (const [x, y, z] of ring) vertices.push(x, y, z)
        firstVertex.push(vertices.length / 3)
      }
      this.firstRing[i + 1] = this.firstRing[i]! + rings.length
      this.measure(i, rings, data.s_ra[i] ?? null, data.s_dec[i] ?? null)
    }
    this.firstVertex = Uint32Array.from(firstVertex)
    this.vertices = Float64Array.from(vertices)
  }

  private measure(i: number, rings: Vector[][], ra: number | null, dec: number | null): void {
    let centre: Vector | null = ra !== null && dec !== null ? toVector(ra, dec) : null
    if (rings.length) centre = middle(rings.flat())
    if (!centre) {
      this.radii[i] = NaN
      return
    }
    this.centres.set(centre, 3 * i)
    for (const ring of rings) {
      for (const vertex of ring) this.radii[i] = Math.max(this.radii[i]!, separation(centre, vertex))
      this.areas[i]! += Math.abs(ringArea(ring, centre))
    }
  }

  centre(i: number): Vector {
    return [this.centres[3 * i]!, this.centres[3 * i + 1]!, this.centres[3 * i + 2]!]
  }

  rings(i: number): Vector[][] {
    const rings: Vector[][] = []
    for (let r = this.firstRing[i]!; r < this.firstRing[i + 1]!; r++) {
      const ring: Vector[] = []
      for (let v = 3 * this.firstVertex[r]!; v < 3 * this.firstVertex[r + 1]!; v += 3) {
        ring.push([this.vertices[v]!, this.vertices[v + 1]!, this.vertices[v + 2]!])
      }
      rings.push(ring)
    }
    return rings
  }

  /** Indices of the footprints that reach into the cap of `radius` radians around `centre`. */
  within(centre: Vector, radius: number): number[] {
    const found: number[] = []
    for (let i = 0; i < this.count; i++) {
      const reach = radius + this.radii[i]!
      if (!(reach >= 0)) continue
      const cosine =
        centre[0] * this.centres[3 * i]! + centre[1] * this.centres[3 * i + 1]! + centre[2] * this.centres[3 * i + 2]!
      // the small allowance keeps a footprint that touches the edge; it costs nothing
      if (reach >= Math.PI || cosine >= Math.cos(reach) - 1e-12) found.push(i)
    }
    return found
  }

  /** Footprints at a direction, smallest first. `tolerance` (radians) makes points and tiny outlines reachable. */
  at(direction: Vector, tolerance = 0): number[] {
    const { ra, dec } = toPosition(direction)
    const { east, north } = tangent(ra, dec)
    const hits = this.within(direction, tolerance).filter((i) => {
      if (this.radii[i]! <= tolerance) return separation(direction, this.centre(i)) <= tolerance + this.radii[i]!
      return this.rings(i).some((ring) => surrounds(ring, direction, east, north))
    })
    return hits.sort((a, b) => this.areas[a]! - this.areas[b]! || a - b)
  }

  /** Indices of the footprints whose middles lie in a ring. */
  centredIn(ring: readonly Vector[]): number[] {
    const centre = middle(ring)
    const reach = Math.max(...ring.map((corner) => separation(centre, corner)))
    return this.within(centre, reach).filter((i) => {
      const { ra, dec } = toPosition(this.centre(i))
      const { east, north } = tangent(ra, dec)
      return surrounds(ring, this.centre(i), east, north)
    })
  }

  /** Smallest easy circle around all footprints: their mean direction and the reach from it; null without any. */
  enclosing(): { ra: number; dec: number; radius: number } | null {
    const placed: number[] = []
    for (let i = 0; i < this.count; i++) if (!Number.isNaN(this.radii[i]!)) placed.push(i)
    if (!placed.length) return null
    const centre = capCentre(placed.map((i) => this.centre(i)))
    let radius = 0
    for (const i of placed) radius = Math.max(radius, separation(centre, this.centre(i)) + this.radii[i]!)
    return { ...toPosition(centre), radius: radius / DEGREE }
  }
}

function middle(points: readonly Vector[]): Vector {
  let [x, y, z] = [0, 0, 0]
  for (const point of points) {
    x += point[0]
    y += point[1]
    z += point[2]
  }
  return Math.hypot(x, y, z) < 1e-9 * points.length ? points[0]! : normalise([x, y, z])
}

/** A centre near the one of the smallest enclosing cap: step towards the farthest point, ever less. */
function capCentre(points: readonly Vector[]): Vector {
  let centre = middle(points)
  for (let step = 1; step <= 24; step++) {
    let farthest = centre
    let lowest = 2
    for (const point of points) {
      const cosine = dot(point, centre)
      if (cosine < lowest) [lowest, farthest] = [cosine, point]
    }
    const share = 1 / (step + 1)
    centre = middle([
      [centre[0] * (1 - share), centre[1] * (1 - share), centre[2] * (1 - share)],
      [farthest[0] * share, farthest[1] * share, farthest[2] * share],
    ])
  }
  return centre
}

/** Signed area in steradians of a ring of great circles, by its triangles from `apex` (Van Oosterom & Strackee). */
function ringArea(ring: readonly Vector[], apex: Vector): number {
  let area = 0
  for (let i = 0; i < ring.length; i++) {
    const [a, b] = [ring[i]!, ring[(i + 1) % ring.length]!]
    area += 2 * Math.atan2(dot(apex, cross(a, b)), 1 + dot(apex, a) + dot(a, b) + dot(b, apex))
  }
  return area
}

/** Whether a ring winds around a direction, seen along azimuths; exact for edges shorter than a half circle. */
export function surrounds(ring: readonly Vector[], direction: Vector, east: Vector, north: Vector): boolean {
  let turn = 0
  let towards = 0
  for (let i = 0; i < ring.length; i++) {
    const [a, b] = [ring[i]!, ring[(i + 1) % ring.length]!]
    const [ax, ay] = [dot(a, east), dot(a, north)]
    const [bx, by] = [dot(b, east), dot(b, north)]
    turn += Math.atan2(ax * by - ay * bx, ax * bx + ay * by)
    towards += dot(a, direction)
  }
  return towards > 0 && Math.abs(turn) > Math.PI
}
