/** Lines of equal longitude and latitude in a frame, with labels whose precision follows their step. */
import { separation, type CoordinateStyle } from '$lib/format/angles'
import type { Camera } from './camera'
import { fromFrame, toFrame, type Frame } from './frames'
import { DEGREE, toVector, type Vector } from './vector'

/** A line of the graticule: its points on the sphere and its label. */
export interface GridLine {
  kind: 'ra' | 'dec'
  /** Degrees in the frame of the camera. */
  value: number
  label: string
  points: Vector[]
}

const SECONDS_OF_TIME = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 10, 20, 30, 60, 120, 240, 600, 1200, 1800, 3600, 7200, 10800,
].map((seconds) => seconds / 240)
const SECONDS_OF_ARC = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 54000,
  108000,
].map((seconds) => seconds / 3600)
const DECIMALS = [
  1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
  15, 30, 45,
]

/** Smallest sensible step, in degrees, that is not below `wanted`. */
function step(steps: readonly number[], wanted: number): number {
  return steps.find((candidate) => candidate >= wanted * (1 - 1e-9)) ?? steps[steps.length - 1]!
}

/** The lines that cross the picture, about one every `spacing` pixels. Only ICRS is ever written in hours. */
export function graticule(camera: Camera, notation: CoordinateStyle, spacing = 130): GridLine[] {
  const { frame, pixel } = camera
  const view = toFrame(frame, camera.view)
  const style = frame === 'ICRS' ? notation : 'decimal'
  const reach = camera.reach / DEGREE
  const south = Math.max(-90, view.dec - reach)
  const north = Math.min(90, view.dec + reach)
  const decStep = step(style === 'decimal' ? DECIMALS : SECONDS_OF_ARC, spacing * pixel)
  const nearPole = Math.max(Math.abs(south), Math.abs(north)) >= 90 - 1e-9
  // around a pole the meridians spread over the picture as wide as its farthest corner
  const spread = nearPole ? Math.sin(Math.min(90, reach + 90 - Math.abs(view.dec)) * DEGREE) : 0
  const widening = Math.max(Math.cos(view.dec * DEGREE), spread)
  const raStep = step(style === 'decimal' ? DECIMALS : SECONDS_OF_TIME, (spacing * pixel) / widening)
  const half = nearPole ? 180 : Math.min(180, Math.asin(Math.sin(reach * DEGREE) / Math.cos(view.dec * DEGREE)) / DEGREE)
  const whole = half >= 180 || reach >= 90
  const [west, east] = whole ? [0, 360] : [view.ra - half, view.ra + half]
  return [
    ...multiples(west, east, raStep, whole).map((value) => meridian(value, south, north, raStep, style)),
    ...multiples(south, north, decStep, false)
      .filter((value) => Math.abs(value) < 90)
      .map((value) => parallel(value, west, east, decStep, style)),
  ].map((line) => placed(line, frame))
}

function placed(line: GridLine, frame: Frame): GridLine {
  return frame === 'ICRS' ? line : { ...line, points: line.points.map((point) => fromFrame(frame, point)) }
}

function multiples(from: number, to: number, stride: number, open: boolean): number[] {
  const values: number[] = []
  const last = open ? Math.ceil(to / stride) - 1 : Math.floor(to / stride + 1e-9)
  for (let k = Math.ceil(from / stride - 1e-9); k <= last; k++) values.push(k * stride)
  return values
}

function meridian(ra: number, south: number, north: number, stride: number, style: CoordinateStyle): GridLine {
  const points = sampled(south, north, 2).map((dec) => toVector(ra, dec))
  const value = ((ra % 360) + 360) % 360
  return { kind: 'ra', value, label: style === 'decimal' ? degrees(value, stride) : hours(value, stride), points }
}

function parallel(dec: number, west: number, east: number, stride: number, style: CoordinateStyle): GridLine {
  const points = sampled(west, east, 2).map((ra) => toVector(ra, dec))
  const label = style === 'decimal' ? degrees(dec, stride) : arcminutes(dec, stride)
  return { kind: 'dec', value: dec, label, points }
}

/** Values from `from` to `to`, at most `largest` degrees apart and never fewer than 24. */
function sampled(from: number, to: number, largest: number): number[] {
  const count = Math.max(24, Math.ceil((to - from) / largest))
  return Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count)
}

function decimalsOf(stride: number): number {
  return Math.max(0, Math.ceil(-Math.log10(stride) - 1e-9))
}

function degrees(value: number, stride: number): string {
  return `${value < 0 ? '−' : ''}${Math.abs(value).toFixed(decimalsOf(stride))}°`
}

/** Right ascension, as precise as its step: `10ʰ37ᵐ`, `10ʰ37ᵐ12ˢ`, `10ʰ37ᵐ12.05ˢ`. */
function hours(ra: number, stride: number): string {
  const [h, m, s] = sexagesimal(ra / 15, stride * 240)
  if (stride >= 15) return `${h}ʰ`
  if (stride >= 0.25) return `${h}ʰ${m}ᵐ`
  return `${h}ʰ${m}ᵐ${s}ˢ`
}

/** Declination, as precise as its step: `−58°`, `−58°34′`, `−58°34′20″`. */
function arcminutes(dec: number, stride: number): string {
  const [d, m, s] = sexagesimal(Math.abs(dec), stride * 3600)
  const sign = dec < 0 ? '−' : dec > 0 ? '+' : ''
  if (stride >= 1) return `${sign}${Number(d)}°`
  if (stride >= 1 / 60) return `${sign}${d}°${m}′`
  return `${sign}${d}°${m}′${s}″`
}

/** Whole units, minutes and seconds of `value`; `stride` (seconds) decides the decimals. */
function sexagesimal(value: number, stride: number): [string, string, string] {
  const decimals = decimalsOf(Math.min(stride, 1))
  const total = Math.round(value * 3600 * 10 ** decimals) / 10 ** decimals
  const whole = Math.floor(total / 3600)
  const minutes = Math.floor((total - whole * 3600) / 60)
  const seconds = total - whole * 3600 - minutes * 60
  const width = decimals ? 3 + decimals : 2
  return [pad(whole), pad(minutes), seconds.toFixed(decimals).padStart(width, '0')]
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

/** A length for the scale bar, near `wanted` pixels: its width in pixels and its name. */
export function scaleBar(camera: Camera, wanted = 110): { pixels: number; label: string } {
  const degreesWide = step(SECONDS_OF_ARC, (wanted * camera.pixel) / 1.6)
  return { pixels: degreesWide / camera.pixel, label: separation(degreesWide) }
}
