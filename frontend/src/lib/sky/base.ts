/** What is on every sky: bright stars, constellations and the Milky Way, so that a field can be recognised offline. */
import type { Camera } from './camera'
import type { Palette } from './draw'
import { addLine } from './lines'
import { DEGREE, toVector, type Vector } from './vector'

/** As the build makes it; ICRS degrees, magnitudes in V, colours as B−V. */
export interface BaseSkyData {
  stars: { ra: number[]; dec: number[]; magnitude: number[]; colour: number[] }
  lines: [ra: number, dec: number][][]
  names: [name: string, ra: number, dec: number][]
  milkyWay: { size: number; ra: number[]; dec: number[]; level: number[] }
}

export interface BaseSky {
  stars: readonly { at: Vector; magnitude: number; fill: string }[]
  lines: readonly Vector[][]
  names: readonly { name: string; at: Vector }[]
  milkyWay: readonly { at: Vector; level: number }[]
  /** Of a cell of the Milky Way, radians. */
  cell: number
}

/** Fields, in degrees, between which constellations are named. */
const NAMED = { from: 15, to: 130 }
/** Below these fields the Milky Way fades, or its cells would be seen as such. */
const MILKY = { from: 20, full: 110 }
const FAINTEST = 6
/** Above this field, degrees, stars step back behind the footprints. */
const CROWDED = 60

export function baseSky(data: BaseSkyData): BaseSky {
  const { stars, lines, names, milkyWay } = data
  return {
    stars: stars.ra.map((ra, i) => ({
      at: toVector(ra, stars.dec[i]!),
      magnitude: stars.magnitude[i]!,
      fill: starlight(stars.colour[i]!),
    })),
    lines: lines.map((line) => line.map(([ra, dec]) => toVector(ra, dec))),
    names: names.map(([name, ra, dec]) => ({ name, at: toVector(ra, dec) })),
    milkyWay: milkyWay.ra.map((ra, i) => ({ at: toVector(ra, milkyWay.dec[i]!), level: milkyWay.level[i]! })),
    cell: milkyWay.size * DEGREE,
  }
}

export async function loadBaseSky(): Promise<BaseSky> {
  return baseSky((await import('virtual:base-sky')).default)
}

/** The tint of a star by its colour index: blue for hot ones, orange for cool ones. */
export function starlight(colour: number): string {
  if (colour < 0) return '#c4d4ff'
  if (colour < 0.4) return '#e2e9ff'
  if (colour < 0.8) return '#fff8ec'
  return colour < 1.3 ? '#ffe3bd' : '#ffc996'
}

/** Magnitude down to which stars are shown: on the whole sky few, or they would hide the footprints. */
export function faintestShown(fov: number): number {
  return fov > 150 ? 4.6 : fov > CROWDED ? 5.3 : FAINTEST
}

/** Radius in pixels of a star: brighter ones are larger, and all of them a little when the field is small. */
export function starRadius(magnitude: number, fov: number): number {
  return Math.max(0.45, (FAINTEST + 1.2 - magnitude) * (fov > CROWDED ? 0.24 : 0.33)) * Math.min(1.8, Math.max(1, (40 / fov) ** 0.2))
}

export function drawBaseSky(context: CanvasRenderingContext2D, camera: Camera, sky: BaseSky, palette: Palette): void {
  const { fov } = camera.view
  const milky = Math.min(1, (fov - MILKY.from) / (MILKY.full - MILKY.from))
  if (milky > 0) drawMilkyWay(context, camera, sky, milky)
  context.strokeStyle = palette.constellation
  context.lineWidth = 1
  context.beginPath()
  for (const line of sky.lines) addLine(context, camera, line)
  context.stroke()
  const faintest = faintestShown(fov)
  const strength = fov > CROWDED ? 0.5 : 1
  for (const { at, magnitude, fill } of sky.stars) {
    if (magnitude > faintest) break // brightest first
    const pixel = camera.project(at)
    if (!pixel || pixel[0] < -5 || pixel[1] < -5 || pixel[0] > camera.width + 5 || pixel[1] > camera.height + 5) continue
    context.globalAlpha = strength * Math.min(0.95, 0.3 + 0.12 * (FAINTEST - magnitude))
    context.fillStyle = fill
    context.beginPath()
    context.arc(pixel[0], pixel[1], starRadius(magnitude, fov), 0, 2 * Math.PI)
    context.fill()
  }
  context.globalAlpha = 1
  if (fov < NAMED.from || fov > NAMED.to) return
  context.font = palette.font
  context.textAlign = 'center'
  context.fillStyle = palette.constellationName
  for (const { name, at } of sky.names) {
    const pixel = camera.project(at)
    if (pixel) context.fillText(name, ...pixel)
  }
  context.textAlign = 'start'
}

/** One disc a cell, one area a level; `share` of their full brightness. */
function drawMilkyWay(context: CanvasRenderingContext2D, camera: Camera, sky: BaseSky, share: number): void {
  const radius = 0.85 * sky.cell * camera.scale
  for (let level = 1; level <= 5; level++) {
    context.fillStyle = `rgb(150 170 210 / ${share * (0.018 + 0.017 * level)})`
    context.beginPath()
    for (const cell of sky.milkyWay) {
      if (cell.level !== level) continue
      const pixel = camera.project(cell.at)
      if (!pixel || pixel[0] < -radius || pixel[1] < -radius || pixel[0] > camera.width + radius || pixel[1] > camera.height + radius) continue
      context.moveTo(pixel[0] + radius, pixel[1])
      context.arc(pixel[0], pixel[1], radius, 0, 2 * Math.PI)
    }
    context.fill()
  }
}
