/** What pointer and keys mean on the sky: moving it, pointing at footprints, drawing regions. */
import { tidy, type Camera, type View } from './camera'
import type { FootprintSet } from './footprints'
import type { Region } from './region'
import { CLICK, closed, dragged, lassoed, type Pixel, type Tool } from './tools'
import { DEGREE, type Position, type Vector } from './vector'

/** What the sky view offers to a gesture; footprints go by index. */
interface Stage {
  camera(): Camera
  footprints(): FootprintSet | null
  move(view: View): void
  hover(i: number | null): void
  focus(i: number): void
  open(i: number): void
  region(region: Region): void
  /** A region was drawn around something, and nothing was decided yet. */
  lasso(region: Region, at: Pixel): void
  cursor(position: Position | null): void
}

/** How far beside a point or a tiny outline one may aim, in pixels. */
const REACH = 5
const PAN_SHARE = 0.12
const ZOOM_KEYS: Record<string, number> = { '+': 1.5, '=': 1.5, '-': 1 / 1.5, _: 1 / 1.5 }
/** Degrees. */
const TURN_KEYS: Record<string, number> = { '[': 15, ']': -15 }
const PAN_KEYS: Record<string, Pixel> = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

/** A smaller turn of two fingers is no turn, degrees. */
const TWIST = 8

interface Grip {
  at: Pixel
  camera: Camera
  wentFar: boolean
  /** Whether a drag turns the picture and does not move it. */
  turns: boolean
}

export class Gestures {
  tool: Tool = $state('pan')
  /** Footprints under the pointer, smallest first, and which of them is meant. */
  stack: number[] = $state.raw([])
  turn = $state(0)
  pointer: Pixel | null = $state.raw(null)
  draft: Region | null = $state.raw(null)
  #corners: Vector[] = $state.raw([])
  #loop: Pixel[] = $state.raw([])
  readonly #fingers = new Map<number, Pixel>()
  readonly #stage: Stage
  #grip: Grip | null = null
  #pinch: { camera: Camera; distance: number; middle: Pixel; angle: number } | null = null

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The polygon being drawn, with the pointer as its next corner; or the lasso so far. */
  get line(): readonly Vector[] {
    if (this.#loop.length) return this.#loop.map((at) => this.#stage.camera().unproject(...at)).filter((at) => at !== null)
    const next = this.#corners.length && this.pointer ? this.#stage.camera().unproject(...this.pointer) : null
    return next ? [...this.#corners, next] : this.#corners
  }

  down(event: PointerEvent): void {
    if (event.button !== 0) return
    const at = pixelOf(event)
    ;(event.currentTarget as Element).setPointerCapture(event.pointerId)
    this.#fingers.set(event.pointerId, at)
    if (this.#fingers.size === 2) this.#startPinch()
    else this.#grip = { at, camera: this.#stage.camera(), wentFar: false, turns: event.shiftKey && this.tool === 'pan' }
  }

  move(event: PointerEvent): void {
    const at = pixelOf(event)
    this.pointer = at
    this.#stage.cursor(this.#stage.camera().positionAt(...at))
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, at)
    if (this.#pinch) this.#spread()
    else if (this.#grip) this.#drag(this.#grip, at)
    else this.#point(at)
  }

  up(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId)
    if (this.#pinch) {
      this.#pinch = null
      this.#grip = null
      return
    }
    const grip = this.#grip
    this.#grip = null
    if (!grip) return
    if (this.#loop.length) this.#tie(pixelOf(event))
    else if (this.draft) this.#finish(this.draft)
    else if (!grip.wentFar) this.#click(pixelOf(event))
  }

  cancel(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId)
    this.#grip = null
    this.#pinch = null
    this.draft = null
    this.#loop = []
  }

  leave(): void {
    if (this.#grip) return
    this.pointer = null
    this.#setStack([])
    this.#stage.cursor(null)
  }

  wheel(event: WheelEvent): void {
    event.preventDefault()
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1
    const factor = Math.exp(-Math.max(-400, Math.min(400, event.deltaY * lines)) * 0.0018)
    this.#stage.move(this.#stage.camera().zoomed(factor, ...pixelOf(event)))
  }

  /** Open the footprint pointed at; on empty sky come nearer. */
  doubled(event: MouseEvent): void {
    if (this.tool === 'polygon') return this.#close()
    if (this.tool !== 'pan') return
    const at = pixelOf(event)
    this.#point(at)
    const meant = this.stack[this.turn]
    if (meant !== undefined) return this.#stage.open(meant)
    const camera = this.#stage.camera()
    const centre = camera.positionAt(...at)
    if (centre) this.#stage.move(tidy({ ...camera.view, ...centre, fov: camera.view.fov / 2 }))
  }

  /** A key while the sky has the focus; true when it meant something. */
  key(event: KeyboardEvent, showAll: () => void, focused: number | null): boolean {
    const camera = this.#stage.camera()
    const pan = PAN_KEYS[event.key]
    const zoom = ZOOM_KEYS[event.key]
    const turn = TURN_KEYS[event.key]
    if (pan) {
      const middle: Pixel = [camera.width / 2, camera.height / 2]
      const step = PAN_SHARE * Math.min(camera.width, camera.height)
      this.#stage.move(camera.dragged(middle, [middle[0] + pan[0] * step, middle[1] + pan[1] * step]))
    } else if (turn) this.#stage.move(camera.turned(turn))
    else if (zoom) this.#stage.move(camera.zoomed(zoom))
    else if (event.key === '0' || event.key === 'Home') showAll()
    else if (event.key === 'Enter' && this.#corners.length) this.#close()
    else if (event.key === 'Enter' && focused !== null) this.#stage.open(focused)
    else if (event.key === 'Escape' && this.#isDrawing) this.#abandon()
    else return false
    return true
  }

  /** Tab goes round the footprints under the pointer; after the last one it moves on as everywhere. */
  cycle(event: KeyboardEvent): void {
    if (event.key !== 'Tab' || event.ctrlKey || event.altKey || this.stack.length < 2 || !this.pointer) return
    const next = this.turn + (event.shiftKey ? -1 : 1)
    if (next >= 0 && next < this.stack.length) event.preventDefault()
    this.turn = (next + this.stack.length) % this.stack.length
    this.#stage.hover(this.stack[this.turn] ?? null)
  }

  get #isDrawing(): boolean {
    return this.tool !== 'pan' || this.draft !== null || this.#corners.length > 0
  }

  #drag(grip: Grip, at: Pixel): void {
    grip.wentFar ||= Math.hypot(at[0] - grip.at[0], at[1] - grip.at[1]) > CLICK
    if (!grip.wentFar) return
    if (this.tool === 'lasso') this.#loop = [...(this.#loop.length ? this.#loop : [grip.at]), at]
    else if (this.tool === 'cone' || this.tool === 'box') this.draft = dragged(this.tool, grip.camera, grip.at, at)
    else if (grip.turns) this.#stage.move(grip.camera.turned(swept(grip.camera, grip.at, at)))
    else this.#stage.move(grip.camera.dragged(grip.at, at))
  }

  #point(at: Pixel): void {
    const camera = this.#stage.camera()
    const direction = this.tool === 'pan' ? camera.unproject(...at) : null
    this.#setStack(direction ? (this.#stage.footprints()?.at(direction, REACH / camera.scale) ?? []) : [])
  }

  #setStack(stack: number[]): void {
    const same = stack.length === this.stack.length && stack.every((i, k) => i === this.stack[k])
    if (same) return
    this.stack = stack
    this.turn = 0
    this.#stage.hover(stack[0] ?? null)
  }

  #click(at: Pixel): void {
    const direction = this.#stage.camera().unproject(...at)
    if (this.tool === 'polygon' && direction) {
      this.#corners = [...this.#corners, direction]
      return
    }
    this.#point(at)
    const meant = this.stack[this.turn]
    if (this.tool === 'pan' && meant !== undefined) this.#stage.focus(meant)
  }

  #close(): void {
    // a double click has set its corner twice
    const corners = this.#corners.filter((corner, i) => !i || !same(corner, this.#corners[i - 1]!))
    const region = closed(corners)
    if (region) this.#finish(region)
  }

  /** Close a lasso. */
  #tie(at: Pixel): void {
    const region = lassoed(this.#stage.camera(), this.#loop)
    this.#loop = []
    if (!region) return
    this.draft = region
    this.#stage.lasso(region, at)
  }

  /** Give up what was drawn but not used. */
  drop(): void {
    this.#abandon()
  }

  #finish(region: Region): void {
    this.#abandon()
    this.#stage.region(region)
  }

  #abandon(): void {
    this.tool = 'pan'
    this.draft = null
    this.#corners = []
    this.#loop = []
  }

  #startPinch(): void {
    const [a, b] = [...this.#fingers.values()] as [Pixel, Pixel]
    this.draft = null
    this.#pinch = { camera: this.#stage.camera(), distance: apart(a, b), middle: halfway(a, b), angle: bearing(a, b) }
  }

  #spread(): void {
    const [a, b] = [...this.#fingers.values()]
    if (!this.#pinch || !a || !b) return
    const { camera, distance, middle, angle } = this.#pinch
    const twisted = bearing(a, b) - angle
    const turned = Math.abs(twisted) > TWIST ? camera.at(camera.turned(twisted)) : camera
    const held = camera.unproject(...middle)
    const placed = held && turned !== camera ? turned.at(turned.placing(held, ...middle) ?? turned.view) : turned
    const after = camera.at(placed.zoomed(apart(a, b) / Math.max(1, distance), ...middle))
    this.#stage.move(after.dragged(middle, halfway(a, b)))
  }
}

function pixelOf(event: MouseEvent): Pixel {
  return [event.offsetX, event.offsetY]
}

function apart(a: Pixel, b: Pixel): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1])
}

/** Direction from one finger to the other, degrees anticlockwise. */
function bearing(a: Pixel, b: Pixel): number {
  return Math.atan2(a[1] - b[1], b[0] - a[0]) / DEGREE
}

/** Angle that a drag has gone round the middle of the picture, degrees anticlockwise. */
function swept(camera: Camera, from: Pixel, to: Pixel): number {
  const middle: Pixel = [camera.width / 2, camera.height / 2]
  return bearing(middle, to) - bearing(middle, from)
}

function halfway(a: Pixel, b: Pixel): Pixel {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
}

function same(a: Vector, b: Vector): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2]
}
