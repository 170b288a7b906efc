/** Where a scrolled window onto many rows of one height stands; keeps its scroll bar in step. */
import { barFor, revealing, scrolled, type Extent, type Place } from './scroll'

/** Pause after which the bar is moved to where it belongs; milliseconds. */
const REST = 160

export class Scroller {
  place: Place = $state.raw({ top: 0, bar: 0 })
  /** The element that scrolls. */
  element: HTMLElement | undefined = $state()
  readonly #extent: () => Extent
  #resting: ReturnType<typeof setTimeout> | undefined

  constructor(extent: () => Extent) {
    this.#extent = extent
  }

  get top(): number {
    return this.place.top
  }

  moveTo(top: number): void {
    const bar = barFor(top, this.#extent())
    this.place = { top, bar }
    if (this.element && Math.abs(this.element.scrollTop - bar) >= 1) this.element.scrollTop = bar
  }

  /** Bring a row into the window by the least move. */
  reveal(row: number): void {
    const top = revealing(row, this.place.top, this.#extent())
    if (top !== this.place.top) this.moveTo(top)
  }

  /** The bar was moved. */
  readonly follow = (): void => {
    if (!this.element || Math.abs(this.element.scrollTop - this.place.bar) < 1) return
    this.place = scrolled(this.place, this.element.scrollTop, this.#extent())
    clearTimeout(this.#resting)
    this.#resting = setTimeout(() => this.moveTo(this.place.top), REST)
  }
}
