/** One query and its answers: rows, facets and footprints. Answers that come too late are dropped. */
import { untrack } from 'svelte'
import { ApiError, api, ServerLostError, wasAborted } from './api/client'
import type { ColumnDescription, FacetAnswer, FootprintAnswer, Page, Resolved, Status } from './api/types'
import { facetNames } from './facets/order'
import { restriction, search } from './query/query'
import { session } from './query/session.svelte'
import { NEEDED, shownColumns } from './results/columns'
import { Pages } from './results/pages'

/** Pause before asking again a server that was lost, or whose index is being rebuilt; milliseconds. */
const RETRY = 2000

class Explorer {
  columns: ColumnDescription[] = $state.raw([])
  status: Status | null = $state.raw(null)
  /** Columns that a search for a list of targets has besides. */
  matched: ColumnDescription[] = $state.raw([])

  /** The rows on show; those of the question before, while an answer is on its way. */
  pages: Pages | null = $state.raw(null)
  /** Counts arrivals, so that the table knows when to look again. */
  arrivals = $state(0)
  total: number | null = $state(null)
  resolved: Resolved | null = $state.raw(null)
  elapsed: number | null = $state(null)
  facets: FacetAnswer | null = $state.raw(null)
  footprints: FootprintAnswer | null = $state.raw(null)

  rowsPending = $state(false)
  facetsPending = $state(false)
  footprintsPending = $state(false)
  stopped = $state(false)
  failure: Error | null = $state.raw(null)

  /** First and last row in sight, counted from 1. */
  sight: [first: number, last: number] | null = $state.raw(null)
  /** Where the pointer is on the sky, and how much of it is shown; degrees. */
  cursor: { ra: number; dec: number } | null = $state.raw(null)
  extent: { width: number; height: number } | null = $state.raw(null)
  /** Where the table was left, in pixels of the whole table. */
  top = 0
  #attempt = $state(0)
  #waiting = false
  #coming: Pages | null = null
  #asking: Record<'facets' | 'footprints', AbortController | null> = { facets: null, footprints: null }

  constructor() {
    $effect.root(() => {
      $effect(() => {
        if (session.route.page === 'explore') this.#askRows(this.#rowsKey, this.#attempt)
      })
      $effect(() => {
        if (session.route.page === 'explore') this.#askFacets(this.#searchKey, this.#facetsKey, this.#attempt)
      })
      $effect(() => {
        if (session.route.page === 'explore') this.#askFootprints(this.#searchKey, this.#attempt)
      })
      $effect(() => {
        const attempt = this.#attempt
        untrack(() => void this.#learn(attempt))
      })
    })
  }

  /** Every column that the table may show. */
  readonly offered = $derived(session.query.targets === null ? this.columns : [...this.matched, ...this.columns])

  /** Names of the columns in the table, in order. */
  get shown(): readonly string[] {
    const known = new Set(this.offered.map((column) => column.name))
    return session.query.columns?.filter((name) => known.has(name)) ?? shownColumns(this.offered)
  }

  readonly #searchKey = $derived(JSON.stringify(restriction(session.query)))
  readonly #facetsKey = $derived(facetNames(session.query).join())
  readonly #rowsKey = $derived(
    JSON.stringify({
      search: search(session.query),
      columns: this.columns.length ? [...new Set([...this.shown, ...NEEDED])] : [],
    }),
  )

  get pending(): boolean {
    return this.rowsPending || this.facetsPending || this.footprintsPending
  }

  retry(): void {
    this.#attempt++
  }

  /** Stop what is running; what is on show stays. */
  stop(): void {
    if (!this.pending) return
    this.#coming?.stop()
    this.#asking.facets?.abort()
    this.#asking.footprints?.abort()
    this.rowsPending = this.facetsPending = this.footprintsPending = false
    this.stopped = true
  }

  #askRows(key: string, _attempt: number): void {
    const wanted = JSON.parse(key) as { search: Record<string, string>; columns: string[] }
    if (!wanted.columns.length) return
    this.#coming?.stop()
    this.rowsPending = true
    this.stopped = false
    const pages: Pages = new Pages(
      wanted,
      api.observations,
      (page) => this.#rowsCame(pages, page),
      (failure) => this.#failed(failure, pages),
    )
    this.#coming = pages
    pages.want(0, 0)
  }

  #rowsCame(pages: Pages, page: Page): void {
    if (pages !== this.#coming) return
    if (this.pages !== pages) {
      const same = JSON.stringify(this.pages?.wanted.search) === JSON.stringify(pages.wanted.search)
      if (!same && this.pages !== null) this.top = 0
      this.pages = pages
      this.resolved = page.resolved
      this.elapsed = page.elapsed_ms
    }
    this.total = page.total
    session.found = page.total
    this.rowsPending = false
    this.failure = null
    this.arrivals++
  }

  #askFacets(key: string, facets: string, _attempt: number): void {
    const asking = this.#instead('facets')
    this.facetsPending = true
    api.facets({ ...(JSON.parse(key) as Record<string, string>), facets }, asking.signal).then(
      (answer) => {
        this.facets = answer
        this.facetsPending = false
      },
      (failure: unknown) => this.#failed(failure, asking),
    )
  }

  #askFootprints(key: string, _attempt: number): void {
    const asking = this.#instead('footprints')
    this.footprintsPending = true
    api.footprints(JSON.parse(key) as Record<string, string>, asking.signal).then(
      (answer) => {
        this.footprints = answer
        this.footprintsPending = false
      },
      (failure: unknown) => this.#failed(failure, asking),
    )
  }

  /** Give up what was asked before, and ask anew. */
  #instead(what: 'facets' | 'footprints'): AbortController {
    this.#asking[what]?.abort()
    return (this.#asking[what] = new AbortController())
  }

  async #learn(_attempt: number): Promise<void> {
    try {
      if (!this.columns.length) {
        this.matched = (await api.matchedColumns()).map((column) => ({ ...column, shown: true }))
        this.columns = await api.columns()
      }
      this.status = await api.status()
    } catch (failure) {
      this.#failed(failure, null)
    }
  }

  #failed(failure: unknown, of: Pages | AbortController | null): void {
    if (wasAborted(failure) || (of !== null && of !== this.#coming && of !== this.#asking.facets && of !== this.#asking.footprints)) return
    this.rowsPending = this.facetsPending = this.footprintsPending = false
    this.failure = failure instanceof Error ? failure : new Error(String(failure))
    if (passes(this.failure) && !this.#waiting) void this.#await()
  }

  /** Ask again from time to time until the server is back and its index ready. */
  async #await(): Promise<void> {
    this.#waiting = true
    while (this.failure && passes(this.failure)) {
      await new Promise((resolve) => setTimeout(resolve, RETRY))
      try {
        this.status = await api.status()
        if (this.status.replica.state === 'ready') break
        this.failure = new ApiError(503, { type: 'rebuilding', message: 'The search index is being rebuilt' })
      } catch (failure) {
        if (failure instanceof Error) this.failure = failure
      }
    }
    this.#waiting = false
    this.retry()
  }
}

/** Whether waiting mends it. */
export function passes(failure: Error): boolean {
  return failure instanceof ServerLostError || (failure instanceof ApiError && failure.body.type === 'rebuilding')
}

export const explorer = new Explorer()
