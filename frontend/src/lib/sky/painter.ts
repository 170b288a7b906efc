/** Keeps two canvases equal to a scene: the sky below, what changes under the pointer above. */
import type { CoordinateStyle } from '$lib/format/angles'
import { drawBaseSky, type BaseSky } from './base'
import type { Camera } from './camera'
import {
  drawEmphasised,
  drawFootprints,
  drawGraticule,
  drawLabels,
  drawMarks,
  drawOpenLine,
  drawRegion,
  drawRulers,
  drawSky,
  type Drawn,
  type Emphasis,
  type Palette,
} from './draw'
import type { FootprintSet } from './footprints'
import { graticule, type GridLine } from './graticule'
import type { Region } from './region'
import type { Vector } from './vector'

export interface Scene {
  camera: Camera
  /** Stars and constellations; null where they are not wanted or not there yet. */
  base: BaseSky | null
  footprints: FootprintSet | null
  showFootprints: boolean
  showGraticule: boolean
  showRulers: boolean
  style: CoordinateStyle
  regions: readonly Region[]
  /** Places that are marked. */
  marks: readonly Vector[]
  /** Corners of a polygon that is being drawn, and the pointer. */
  line: readonly Vector[]
  selected: readonly number[]
  focused: number | null
  hovered: number | null
}

const SELECTED: Emphasis = { width: 1.25, fill: 0.06 }
const STANDING_OUT: Emphasis = { width: 2, fill: 0.13 }

export class Painter {
  #scene: Scene | null = null
  #painted: Scene | null = null
  #frame = 0
  #grid: GridLine[] = []
  #drawn: Drawn = { indices: [], density: null }
  readonly #sky: CanvasRenderingContext2D
  readonly #overlay: CanvasRenderingContext2D

  /**
   * `onpaint` is told what the sky layer shows, and the milliseconds it took.
   * `readBack` keeps the pixels on the CPU, which tests with software rendering need.
   */
  constructor(
    sky: HTMLCanvasElement,
    overlay: HTMLCanvasElement,
    readonly palette: Palette,
    readonly onpaint: (drawn: Drawn, milliseconds: number) => void,
    readBack: boolean,
  ) {
    const [below, above] = [sky, overlay].map((canvas) => canvas.getContext('2d', { willReadFrequently: readBack }))
    if (!below || !above) throw new Error('This browser gives no 2D canvas')
    this.#sky = below
    this.#overlay = above
  }

  /** Ask for a frame that shows `scene`; several calls before it make one frame. */
  show(scene: Scene): void {
    this.#scene = scene
    this.#frame ||= requestAnimationFrame(() => this.#paint())
  }

  /** Paint everything again, after a font has come or the pixels of the screen have changed. */
  repaint(): void {
    this.#painted = null
    if (this.#scene) this.show(this.#scene)
  }

  stop(): void {
    cancelAnimationFrame(this.#frame)
  }

  #paint(): void {
    this.#frame = 0
    const scene = this.#scene
    if (!scene || scene.camera.width < 1 || scene.camera.height < 1) return
    if (this.#skyChanged(scene)) this.#paintSky(scene)
    this.#paintOverlay(scene)
    this.#painted = scene
  }

  #skyChanged(scene: Scene): boolean {
    const before = this.#painted
    return (
      !before ||
      before.camera !== scene.camera ||
      before.base !== scene.base ||
      before.footprints !== scene.footprints ||
      before.showFootprints !== scene.showFootprints ||
      before.showGraticule !== scene.showGraticule ||
      before.style !== scene.style
    )
  }

  #paintSky(scene: Scene): void {
    const start = performance.now()
    const context = prepared(this.#sky, scene.camera)
    drawSky(context, scene.camera, this.palette)
    if (scene.base) drawBaseSky(context, scene.camera, scene.base, this.palette)
    this.#grid = scene.showGraticule ? graticule(scene.camera, scene.style) : []
    drawGraticule(context, scene.camera, this.#grid, this.palette)
    this.#drawn =
      scene.footprints && scene.showFootprints
        ? drawFootprints(context, scene.camera, scene.footprints, this.palette)
        : { indices: [], density: null }
    this.onpaint(this.#drawn, performance.now() - start)
  }

  #paintOverlay(scene: Scene): void {
    const { camera, footprints, palette } = { ...scene, palette: this.palette }
    const context = prepared(this.#overlay, camera)
    for (const region of scene.regions) drawRegion(context, camera, region, palette)
    drawMarks(context, camera, scene.marks, palette)
    if (scene.line.length) drawOpenLine(context, camera, scene.line, palette)
    if (footprints && scene.showFootprints) {
      for (const i of scene.selected) drawEmphasised(context, camera, footprints, i, SELECTED, palette)
      for (const i of [scene.focused, scene.hovered]) {
        if (i !== null) drawEmphasised(context, camera, footprints, i, STANDING_OUT, palette)
      }
    }
    drawLabels(context, camera, this.#grid, palette)
    if (scene.showRulers) drawRulers(context, camera, palette)
  }
}

/** The context of a canvas, cleared and scaled to CSS pixels. */
function prepared(context: CanvasRenderingContext2D, camera: Camera): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1
  const [width, height] = [Math.round(camera.width * ratio), Math.round(camera.height * ratio)]
  const canvas = context.canvas
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, camera.width, camera.height)
  return context
}

/** Colours of the sky view, read from the style of its element, where the tokens are set. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  const instruments = ['NIRCAM', 'NIRSPEC', 'NIRISS', 'MIRI', 'FGS'].map((name) => [name, token(name)])
  return {
    sky: token('bg'),
    grid: 'rgb(120 140 170 / 0.22)',
    constellation: 'rgb(110 140 190 / 0.28)',
    constellationName: 'rgb(140 160 200 / 0.55)',
    label: token('fg3'),
    ink: token('fg'),
    accent: token('acc'),
    density: token('link'),
    instruments: Object.fromEntries(instruments) as Record<string, string>,
    font: `11px ${token('mono') || 'monospace'}`,
  }
}
