/** What the sky view paints, layer by layer, on a 2D canvas context. */
import type { Camera } from './camera'
import { MOST_OUTLINES, countCells, densityOrder, type Density } from './density'
import type { FootprintSet } from './footprints'
import { scaleBar, type GridLine } from './graticule'
import { cornersOf } from './healpix'
import { addArea, addLine, addRing } from './lines'
import { outline, type Region } from './region'
import type { Vector } from './vector'

/** Colours of the sky view as the style sheet gives them. */
export interface Palette {
  sky: string
  grid: string
  constellation: string
  constellationName: string
  label: string
  ink: string
  accent: string
  density: string
  instruments: Record<string, string>
  font: string
}

/** A long path slows a software rasteriser down; more strokes of this many outlines are faster. */
export const OUTLINES_PER_STROKE = 500
/** Footprints narrower than this many pixels are drawn as small squares, or nobody would see them. */
const SMALLEST_OUTLINE = 4
/** Up to this many of the squares are large and bright; more would cover each other. */
const FEW = 2000
/** Up to this many are larger still. */
const VERY_FEW = 400

export interface Drawn {
  indices: number[]
  density: Density | null
}

/** The background: darkness, and the edge of the sphere where it is in the picture. */
export function drawSky(context: CanvasRenderingContext2D, camera: Camera, palette: Palette): void {
  context.fillStyle = palette.sky
  context.fillRect(0, 0, camera.width, camera.height)
  if (camera.projection === 'TAN' || camera.scale > Math.hypot(camera.width, camera.height)) return
  const [wide, high] = camera.projection === 'AIT' ? [2 * Math.SQRT2, Math.SQRT2] : [1, 1]
  context.beginPath()
  context.ellipse(camera.width / 2, camera.height / 2, wide * camera.scale, high * camera.scale, 0, 0, 2 * Math.PI)
  context.strokeStyle = palette.grid
  context.lineWidth = 1
  context.stroke()
}

export function drawGraticule(
  context: CanvasRenderingContext2D,
  camera: Camera,
  lines: readonly GridLine[],
  palette: Palette,
): void {
  context.strokeStyle = palette.grid
  context.lineWidth = 1
  context.beginPath()
  for (const line of lines) addLine(context, camera, line.points)
  context.stroke()
}

/** Labels: right ascension along the bottom, declination along the left; beside the middle lines for a whole sphere. */
export function drawLabels(
  context: CanvasRenderingContext2D,
  camera: Camera,
  lines: readonly GridLine[],
  palette: Palette,
): void {
  context.font = palette.font
  context.textBaseline = 'bottom'
  const taken: [number, number][] = []
  for (const line of lines) {
    const at = labelPlace(camera, line)
    if (!at || taken.some(([x, y]) => Math.abs(x - at[0]) < 70 && Math.abs(y - at[1]) < 14)) continue
    taken.push(at)
    context.lineWidth = 3
    context.strokeStyle = palette.sky
    context.strokeText(line.label, ...at)
    context.fillStyle = palette.label
    context.fillText(line.label, ...at)
  }
}

const LABEL_EDGE = 6

function labelPlace(camera: Camera, line: GridLine): [number, number] | null {
  const pixels = line.points.map((point) => camera.project(point))
  // where the picture is turned on its side, meridians meet the left edge and parallels the lower one
  const upright = Math.abs(camera.compass.north[1]) > Math.SQRT1_2
  const axis = (line.kind === 'ra') === upright ? 1 : 0
  const edge = axis === 1 ? camera.height - LABEL_EDGE : LABEL_EDGE
  for (let i = 1; i < pixels.length; i++) {
    const [a, b] = [pixels[i - 1], pixels[i]]
    if (!a || !b || (a[axis] - edge) * (b[axis] - edge) > 0 || a[axis] === b[axis]) continue
    const t = (edge - a[axis]) / (b[axis] - a[axis])
    const [x, y] = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
    if (axis === 1 && x > 45 && x < camera.width - 70) return [x + 4, edge + 1]
    if (axis === 0 && y > 20 && y < camera.height - 24) return [edge, y - 2]
  }
  return inside(camera, line)
}

/** Where a line that meets no edge may carry its label: next to the middle of the picture. */
function inside(camera: Camera, line: GridLine): [number, number] | null {
  if (camera.scale > Math.min(camera.width, camera.height)) return null
  const wanted = line.kind === 'ra' ? camera.height / 2 : camera.width / 2
  const axis = line.kind === 'ra' ? 1 : 0
  let best: [number, number] | null = null
  for (const point of line.points) {
    const pixel = camera.project(point)
    if (pixel && (!best || Math.abs(pixel[axis] - wanted) < Math.abs(best[axis] - wanted))) best = pixel
  }
  return best && Math.abs(best[axis] - wanted) < 40 ? [best[0] + 4, best[1] - 2] : null
}

/** Outlines coloured by instrument, or a density map; returns what was drawn. */
export function drawFootprints(
  context: CanvasRenderingContext2D,
  camera: Camera,
  set: FootprintSet,
  palette: Palette,
): Drawn {
  const indices = set.within(camera.centre, camera.reach)
  if (indices.length > MOST_OUTLINES) {
    const density = countCells(set, indices, densityOrder(camera))
    drawDensity(context, camera, density, palette)
    return { indices, density }
  }
  const isTiny = (i: number): boolean => 2 * set.radii[i]! * camera.scale < SMALLEST_OUTLINE
  const tiny = indices.filter(isTiny)
  const outlines = tiny.length ? indices.filter((i) => !isTiny(i)) : indices
  context.lineWidth = 1
  context.globalAlpha = 0.35
  context.lineJoin = 'bevel'
  for (const [instrument, members] of byInstrument(set, outlines)) {
    context.strokeStyle = palette.instruments[instrument] ?? palette.label
    for (let start = 0; start < members.length; start += OUTLINES_PER_STROKE) {
      context.beginPath()
      const end = Math.min(members.length, start + OUTLINES_PER_STROKE)
      for (let k = start; k < end; k++) addOutline(context, camera, set, members[k]!)
      context.stroke()
    }
  }
  drawSquares(context, camera, set, tiny, palette)
  context.globalAlpha = 1
  return { indices, density: null }
}

function drawSquares(
  context: CanvasRenderingContext2D,
  camera: Camera,
  set: FootprintSet,
  tiny: readonly number[],
  palette: Palette,
): void {
  const half = tiny.length > FEW ? 1 : tiny.length > VERY_FEW ? 2 : 3
  context.globalAlpha = tiny.length > FEW ? 0.6 : 0.85
  for (const [instrument, members] of byInstrument(set, tiny)) {
    context.fillStyle = palette.instruments[instrument] ?? palette.label
    for (const i of members) {
      const pixel = camera.project(set.centre(i))
      if (pixel) context.fillRect(pixel[0] - half, pixel[1] - half, 2 * half, 2 * half)
    }
  }
}

function byInstrument(set: FootprintSet, indices: readonly number[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const i of indices) {
    const name = set.instruments[i]!
    const group = groups.get(name)
    if (group) group.push(i)
    else groups.set(name, [i])
  }
  return groups
}

function addOutline(context: CanvasRenderingContext2D, camera: Camera, set: FootprintSet, i: number): void {
  if (!addPlainRings(context, camera, set, i)) for (const ring of set.rings(i)) addRing(context, camera, ring)
}

/** The quick way for outlines wholly in front and too small to curve: no allocation, straight edges. False if not so. */
function addPlainRings(context: CanvasRenderingContext2D, camera: Camera, set: FootprintSet, i: number): boolean {
  const { centre, left, up, scale, width, height } = camera
  const vertices = set.vertices
  const radius = set.radii[i]!
  const gnomonic = camera.projection === 'TAN'
  if (camera.projection === 'AIT' || (!gnomonic && radius > 0.7 / Math.sqrt(scale))) return false
  const depthOfMiddle =
    centre[0] * set.centres[3 * i]! + centre[1] * set.centres[3 * i + 1]! + centre[2] * set.centres[3 * i + 2]!
  if (depthOfMiddle - radius <= camera.nearest) return false
  for (let r = set.firstRing[i]!; r < set.firstRing[i + 1]!; r++) {
    const first = 3 * set.firstVertex[r]!
    const last = 3 * set.firstVertex[r + 1]!
    for (let v = first; v < last; v += 3) {
      const x = vertices[v]!
      const y = vertices[v + 1]!
      const z = vertices[v + 2]!
      const factor = gnomonic ? scale / (x * centre[0] + y * centre[1] + z * centre[2]) : scale
      const px = width / 2 - factor * (x * left[0] + y * left[1] + z * left[2])
      const py = height / 2 - factor * (x * up[0] + y * up[1] + z * up[2])
      if (v === first) context.moveTo(px, py)
      else context.lineTo(px, py)
    }
    context.closePath()
  }
  return true
}

function drawDensity(context: CanvasRenderingContext2D, camera: Camera, density: Density, palette: Palette): void {
  context.fillStyle = palette.density
  for (const [cell, count] of density.counts) {
    context.globalAlpha = 0.12 + 0.78 * (Math.log1p(count) / Math.log1p(density.highest))
    context.beginPath()
    addArea(context, camera, cornersOf(density.order, cell))
    context.fill()
  }
  context.globalAlpha = 1
}

/** How a single footprint stands out. */
export interface Emphasis {
  width: number
  /** Opacity of its area, 0 to 1. */
  fill: number
}

/** One footprint in the accent colour. */
export function drawEmphasised(
  context: CanvasRenderingContext2D,
  camera: Camera,
  set: FootprintSet,
  i: number,
  emphasis: Emphasis,
  palette: Palette,
): void {
  const rings = set.rings(i)
  const small = 2 * set.radii[i]! * camera.scale < 2 * SMALLEST_OUTLINE
  context.strokeStyle = palette.accent
  context.fillStyle = palette.accent
  context.lineWidth = emphasis.width
  if (small || !rings.length) {
    const pixel = camera.project(set.centre(i))
    if (pixel) context.strokeRect(pixel[0] - 4, pixel[1] - 4, 8, 8)
    return
  }
  context.globalAlpha = emphasis.fill
  context.beginPath()
  for (const ring of rings) addArea(context, camera, ring)
  context.fill()
  context.globalAlpha = 1
  context.beginPath()
  for (const ring of rings) addRing(context, camera, ring)
  context.stroke()
}

/** The searched region, or the one being drawn: dashed. */
export function drawRegion(context: CanvasRenderingContext2D, camera: Camera, region: Region, palette: Palette): void {
  context.strokeStyle = palette.ink
  context.lineWidth = 1
  context.setLineDash([5, 4])
  context.beginPath()
  addRing(context, camera, outline(region, 180))
  context.stroke()
  context.setLineDash([])
  if (region.kind === 'circle') drawCross(context, camera, region.ra, region.dec, palette)
}

/** Places that are marked, as the targets of a list: open diamonds, dots where there are many. */
export function drawMarks(context: CanvasRenderingContext2D, camera: Camera, marks: readonly Vector[], palette: Palette): void {
  const half = marks.length > FEW ? 1.5 : 4
  context.strokeStyle = palette.accent
  context.lineWidth = 1.25
  for (let start = 0; start < marks.length; start += OUTLINES_PER_STROKE) {
    context.beginPath()
    for (const mark of marks.slice(start, start + OUTLINES_PER_STROKE)) {
      const pixel = camera.project(mark)
      if (!pixel) continue
      const [x, y] = pixel
      if (x < -half || y < -half || x > camera.width + half || y > camera.height + half) continue
      context.moveTo(x, y - half)
      context.lineTo(x + half, y)
      context.lineTo(x, y + half)
      context.lineTo(x - half, y)
      context.closePath()
    }
    context.stroke()
  }
}

/** The sides of a polygon so far. */
export function drawOpenLine(
  context: CanvasRenderingContext2D,
  camera: Camera,
  line: readonly Vector[],
  palette: Palette,
): void {
  context.strokeStyle = palette.accent
  context.lineWidth = 1.25
  context.beginPath()
  addLine(context, camera, line)
  const first = camera.project(line[0]!)
  if (first) context.rect(first[0] - 3, first[1] - 3, 6, 6)
  context.stroke()
}

function drawCross(
  context: CanvasRenderingContext2D,
  camera: Camera,
  ra: number,
  dec: number,
  palette: Palette,
): void {
  const middle = outline({ kind: 'circle', ra, dec, radius: 0 }, 1)[0]!
  const pixel = camera.project(middle)
  if (!pixel) return
  const [x, y] = pixel
  context.strokeStyle = palette.ink
  context.beginPath()
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
    context.moveTo(x + 4 * dx, y + 4 * dy)
    context.lineTo(x + 9 * dx, y + 9 * dy)
  }
  context.stroke()
}

const NEEDLE = 26
/** A needle of the compass and its letter, pixels. */
const ROOM = 34

/** North and east of the frame, and a length for the eye, in the lower right corner. */
export function drawRulers(context: CanvasRenderingContext2D, camera: Camera, palette: Palette): void {
  const { pixels, label } = scaleBar(camera)
  const right = camera.width - 24
  const bottom = camera.height - 24
  context.strokeStyle = palette.ink
  context.fillStyle = palette.ink
  context.lineWidth = 1.3
  context.font = palette.font
  context.textAlign = 'center'
  context.textBaseline = 'bottom'
  context.beginPath()
  context.moveTo(right - pixels, bottom - 4)
  context.lineTo(right - pixels, bottom)
  context.lineTo(right, bottom)
  context.lineTo(right, bottom - 4)
  const { north, east } = camera.compass
  // as far from the corner as the needles need on their side of it
  const x = right - 20 - ROOM * Math.max(0, north[0], east[0])
  const y = bottom - 32 - ROOM * Math.max(0, north[1], east[1])
  context.moveTo(x + NEEDLE * north[0], y + NEEDLE * north[1])
  context.lineTo(x, y)
  context.lineTo(x + NEEDLE * east[0], y + NEEDLE * east[1])
  context.stroke()
  context.fillText(label, right - pixels / 2, bottom - 5)
  context.textBaseline = 'middle'
  context.fillText('N', x + ROOM * north[0], y + ROOM * north[1])
  context.fillText('E', x + ROOM * east[0], y + ROOM * east[1])
  context.textAlign = 'left'
}
