/** Great-circle lines on a canvas: subdivided where they curve, cut where the sky shown ends. */
import type { Camera } from './camera'
import { between, dot, normalise, separation, type Vector } from './vector'

/** What a line is drawn into: a canvas path, or a list in a test. */
export interface Path {
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
}

/** Largest distance in pixels between an arc and the chords drawn for it. */
const SAGITTA = 0.2

/** Number of chords for an arc of `angle` radians: one in gnomonic projection, where great circles are straight. */
export function chords(camera: Camera, angle: number): number {
  if (camera.projection === 'TAN') return 1
  return Math.max(1, Math.ceil(angle / Math.sqrt((8 * SAGITTA) / camera.scale)))
}

/** Add the great circle from `a` to `b`; `joined` says that the path already stands at `a`. Returns the same for `b`. */
export function addArc(path: Path, camera: Camera, a: Vector, b: Vector, joined: boolean): boolean {
  const steps = chords(camera, separation(a, b))
  let from = a
  let on = joined
  for (let step = 1; step <= steps; step++) {
    const to = step === steps ? b : between(a, b, step / steps)
    on = addChord(path, camera, from, to, on)
    from = to
  }
  return on
}

/** Add an open line through the points; parts behind the limb are left out. */
export function addLine(path: Path, camera: Camera, points: readonly Vector[]): void {
  let on = false
  for (let i = 1; i < points.length; i++) on = addArc(path, camera, points[i - 1]!, points[i]!, on)
}

/** Add a closed ring as an outline; no line is drawn along the limb. */
export function addRing(path: Path, camera: Camera, ring: readonly Vector[]): void {
  if (ring.length) addLine(path, camera, [...ring, ring[0]!])
}

/** Add a ring as an area: what lies behind the limb is cut off along it. */
export function addArea(path: Path, camera: Camera, ring: readonly Vector[]): void {
  const fine: Vector[] = []
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    const steps = chords(camera, separation(a, b))
    for (let step = 0; step < steps; step++) fine.push(step ? between(a, b, step / steps) : a)
  })
  if (fine.some((a, i) => camera.seam(a, fine[(i + 1) % fine.length]!))) {
    for (const side of [1, -1] as const) addPixels(path, halfBesideSeam(fine, camera, side))
    return
  }
  const visible = cutAtLimb(fine, camera)
  addPixels(
    path,
    visible.map((vertex) => camera.project(vertex)).filter((pixel) => pixel !== null),
  )
}

function addPixels(path: Path, pixels: readonly [number, number][]): void {
  if (pixels.length < 3) return
  pixels.forEach((pixel, i) => (i ? path.lineTo(...pixel) : path.moveTo(...pixel)))
  path.lineTo(...pixels[0]!)
}

/** The pixels of that part of a ring across the seam which lies on one side of it. */
function halfBesideSeam(ring: readonly Vector[], camera: Camera, side: 1 | -1): [number, number][] {
  const pixels: [number, number][] = []
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    if (dot(a, camera.left) > 0 === side > 0) pixels.push(camera.project(a)!)
    const seam = camera.seam(a, b)
    if (seam) pixels.push(camera.onSeam(seam, side))
  })
  return pixels
}

function addChord(path: Path, camera: Camera, a: Vector, b: Vector, on: boolean): boolean {
  const seam = camera.seam(a, b)
  if (seam) return acrossSeam(path, camera, a, b, seam, on)
  const start = camera.project(a)
  const end = camera.project(b)
  if (!start && !end) return false
  if (start && !on) path.moveTo(...start)
  if (start && end) {
    path.lineTo(...end)
    return true
  }
  const edge = camera.project(crossing(a, b, camera))
  if (!edge) return end !== null
  if (start) {
    path.lineTo(...edge)
    return false
  }
  path.moveTo(...edge)
  path.lineTo(...end!)
  return true
}

function acrossSeam(path: Path, camera: Camera, a: Vector, b: Vector, seam: Vector, on: boolean): boolean {
  const side = dot(a, camera.left) > 0 ? 1 : -1
  if (!on) path.moveTo(...camera.project(a)!)
  path.lineTo(...camera.onSeam(seam, side))
  path.moveTo(...camera.onSeam(seam, side === 1 ? -1 : 1))
  path.lineTo(...camera.project(b)!)
  return true
}

/** Where the chord from `a` to `b` passes the edge of the sky shown (just inside it). */
function crossing(a: Vector, b: Vector, camera: Camera): Vector {
  const limit = camera.nearest + 1e-9
  let [inside, outside] = dot(a, camera.centre) >= limit ? [a, b] : [b, a]
  for (let step = 0; step < 40; step++) {
    const half = normalise([inside[0] + outside[0], inside[1] + outside[1], inside[2] + outside[2]])
    if (dot(half, camera.centre) >= limit) inside = half
    else outside = half
  }
  return inside
}

function cutAtLimb(ring: readonly Vector[], camera: Camera): Vector[] {
  const isVisible = (v: Vector): boolean => dot(v, camera.centre) > camera.nearest
  if (ring.every(isVisible)) return [...ring]
  const kept: Vector[] = []
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    if (isVisible(a)) kept.push(a)
    if (isVisible(a) !== isVisible(b)) kept.push(crossing(a, b, camera))
  })
  return alongLimb(kept, camera)
}

/** Fill the gaps between neighbours on the limb of an orthographic picture with points on it. */
function alongLimb(ring: readonly Vector[], camera: Camera): Vector[] {
  if (camera.projection === 'TAN') return [...ring]
  const full: Vector[] = []
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    full.push(a)
    const onLimb = dot(a, camera.centre) < 1e-6 && dot(b, camera.centre) < 1e-6
    const steps = onLimb ? chords(camera, separation(a, b)) : 1
    for (let step = 1; step < steps; step++) {
      const point = between(a, b, step / steps)
      const lift = 1e-9 - dot(point, camera.centre)
      const [x, y, z] = camera.centre
      full.push(normalise([point[0] + lift * x, point[1] + lift * y, point[2] + lift * z]))
    }
  })
  return full
}
