/**
 * Pages of one search, fetched by cursor and kept.
 *
 * A cursor names the row after which a page begins and the archive state it was read from, so a page far away is reached by walking: steps of `STRIDE` rows of
 * one narrow column, each kept for the next walk.
 */
import type { Cell, Page } from '../api/types'

export const PAGE_ROWS = 100
/** Rows of one step of a walk: the most that a server gives at once by default. A multiple of `PAGE_ROWS`. */
export const STRIDE = 1000
/** Pages kept; the farthest are dropped first. */
const KEPT = 60

export type Fetch = (parameters: Record<string, string>, signal: AbortSignal) => Promise<Page>

export interface Wanted {
  /** Parameters that decide what is found and in which order. */
  search: Record<string, string>
  columns: readonly string[]
}

export class Pages {
  /** From row number to the cursor that opens it; row 0 needs none. */
  readonly #cursors = new Map<number, string | null>([[0, null]])
  readonly #pages = new Map<number, Page>()
  readonly #running = new Map<number, AbortController>()
  readonly #fetch: Fetch
  readonly #onpage: (page: Page) => void
  readonly #onerror: (failure: unknown) => void
  readonly wanted: Wanted
  total: number | null = null

  constructor(wanted: Wanted, fetch: Fetch, onpage: (page: Page) => void, onerror: (failure: unknown) => void) {
    this.wanted = wanted
    this.#fetch = fetch
    this.#onpage = onpage
    this.#onerror = onerror
  }

  /** One value, or undefined where its page has not arrived. */
  cell(row: number, column: string): Cell | undefined {
    return this.#pages.get(Math.floor(row / PAGE_ROWS))?.data[column]?.[row % PAGE_ROWS]
  }

  /** The loaded row that holds `value`, or null. */
  find(column: string, value: Cell): number | null {
    for (const [number, page] of this.#pages) {
      const at = page.data[column]?.indexOf(value) ?? -1
      if (at >= 0) return number * PAGE_ROWS + at
    }
    return null
  }

  /** See that the pages of these rows come, and that no others do. */
  want(first: number, last: number): void {
    const pages = new Set<number>()
    for (let page = Math.floor(first / PAGE_ROWS); page <= Math.floor(Math.max(first, last) / PAGE_ROWS); page++) {
      pages.add(page)
    }
    for (const [page, controller] of this.#running) {
      if (pages.has(page)) continue
      controller.abort()
      this.#running.delete(page)
    }
    for (const page of pages) if (!this.#pages.has(page) && !this.#running.has(page)) void this.#load(page)
    this.#forget(Math.floor(first / PAGE_ROWS))
  }

  stop(): void {
    for (const controller of this.#running.values()) controller.abort()
    this.#running.clear()
  }

  async #load(number: number): Promise<void> {
    const controller = new AbortController()
    this.#running.set(number, controller)
    try {
      const cursor = await this.#cursorAt(number * PAGE_ROWS, controller.signal)
      if (cursor === undefined) return
      const page = await this.#ask(cursor, PAGE_ROWS, this.wanted.columns, controller.signal)
      if (controller.signal.aborted) return
      this.#pages.set(number, page)
      if (page.next) this.#cursors.set((number + 1) * PAGE_ROWS, page.next)
      this.#onpage(page)
    } catch (failure) {
      if (!controller.signal.aborted) this.#onerror(failure)
    } finally {
      if (this.#running.get(number) === controller) this.#running.delete(number)
    }
  }

  /** The cursor before a row: from the nearest known one, by strides. Undefined beyond the end. */
  async #cursorAt(row: number, signal: AbortSignal): Promise<string | null | undefined> {
    let nearest = 0
    for (const known of this.#cursors.keys()) if (known <= row && known > nearest) nearest = known
    while (nearest < row) {
      const step = Math.min(STRIDE, row - nearest)
      const page = await this.#ask(this.#cursors.get(nearest) ?? null, step, ['obs_number'], signal)
      if (!page.next) return undefined
      nearest += step
      this.#cursors.set(nearest, page.next)
    }
    return this.#cursors.get(row)
  }

  async #ask(after: string | null, limit: number, columns: readonly string[], signal: AbortSignal): Promise<Page> {
    const page = await this.#fetch(
      {
        ...this.wanted.search,
        columns: columns.join(','),
        limit: String(limit),
        ...(after === null ? {} : { after }),
      },
      signal,
    )
    this.total = page.total
    return page
  }

  #forget(near: number): void {
    if (this.#pages.size <= KEPT) return
    const far = [...this.#pages.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))
    for (const page of far.slice(0, this.#pages.size - KEPT)) this.#pages.delete(page)
  }
}
