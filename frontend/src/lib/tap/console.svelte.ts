/** The ADQL page's state: the query as it is written, what was asked last and its answer, tables and jobs. */
import { untrack } from 'svelte'
import { wasAborted } from '../api/client'
import { keep, kept } from '../preferences.svelte'
import { session } from '../query/session.svelte'
import type { Answer } from './answer'
import { tap, TapError, type Asking } from './client'
import type { Example, Job, Table } from './uws'
import { NOTHING, parseView, writeView, type ConsoleView } from './view'

/** What is on show: the answer to a question, or the result of a job. */
export interface Shown {
  asking: Asking
  answer: Answer
  /** From asking to the last row in the page; null for a job. */
  milliseconds: number | null
  job: Job | null
}

export const ACTIVE: readonly string[] = ['PENDING', 'QUEUED', 'EXECUTING']
/** Pause before a job is looked for again after the server did not answer; milliseconds. */
const RETRY = 5000
/** Jobs whose names this browser keeps. */
const MOST_KEPT = 50
const JOB_NAME = /^[\w-]+$/

/** Jobs made without an account are known to this browser alone. */
function keptJobs(): string[] {
  return (kept('jobs') ?? '').split(',').filter((name) => JOB_NAME.test(name))
}

class Console {
  view: ConsoleView = $state.raw(NOTHING)
  /** The text in the editor. */
  text = $state('')
  shown: Shown | null = $state.raw(null)
  running = $state(false)
  failure: Error | null = $state.raw(null)
  tables: readonly Table[] = $state.raw([])
  examples: readonly Example[] = $state.raw([])
  formats: readonly string[] = $state.raw([])
  jobs: readonly Job[] = $state.raw([])
  /** Why tables or jobs could not be had. */
  trouble: Error | null = $state.raw(null)
  focused: number | null = $state(null)
  hovered: number | null = $state(null)
  #asking: AbortController | null = null
  #watching: AbortController | null = null

  constructor() {
    $effect.root(() => {
      $effect(() => {
        if (session.route.page !== 'adql') return
        untrack(() => this.#arrive(parseView(location.search)))
      })
    })
  }

  /** The page was opened, or Back and Forward moved to it. */
  #arrive(view: ConsoleView): void {
    const before = this.view
    this.view = view
    if (!this.tables.length) void this.learn()
    if (view.job !== null) {
      if (view.job !== this.shown?.job?.id) void this.#openNamed(view.job)
    } else if (view.query && (view.query !== this.shown?.asking.query || view.maxrec !== before.maxrec || view.snapshot !== before.snapshot)) {
      this.text = view.query
      void this.#ask(this.#question(view.query))
    }
  }

  /** Learn what there is to ask. */
  async learn(): Promise<void> {
    try {
      ;[this.tables, this.examples, this.formats] = await Promise.all([tap.tables(), tap.examples(), tap.formats()])
      this.trouble = null
      await this.listJobs()
    } catch (failure) {
      this.trouble = asError(failure)
    }
  }

  /** Change the address; a step of its own where Back should undo it. */
  show(changes: Partial<ConsoleView>, how: 'push' | 'replace' = 'replace'): void {
    this.view = { ...this.view, ...changes }
    const address = writeView(this.view)
    if (how === 'push') history.pushState(null, '', address)
    else history.replaceState(history.state, '', address)
  }

  #question(query: string): Asking {
    return { query, maxrec: this.view.maxrec, snapshot: this.view.snapshot }
  }

  /** Run what is in the editor, at once. */
  run(): void {
    const query = this.text.trim() ? this.text : ''
    if (!query) return
    this.show({ query, job: null, ...(this.view.tab === 'jobs' ? { tab: 'table' as const } : {}) }, query === this.view.query ? 'replace' : 'push')
    void this.#ask(this.#question(query))
  }

  stop(): void {
    this.#asking?.abort()
    this.running = false
  }

  async #ask(asking: Asking): Promise<void> {
    await this.#await(async (signal) => {
      const start = performance.now()
      const answer = await tap.ask(asking, signal)
      return { asking, answer, milliseconds: performance.now() - start, job: null }
    })
  }

  async #await(work: (signal: AbortSignal) => Promise<Shown>): Promise<void> {
    this.#asking?.abort()
    const asking = (this.#asking = new AbortController())
    this.running = true
    this.failure = null
    try {
      const shown = await work(asking.signal)
      if (asking !== this.#asking) return
      this.focused = this.hovered = null
      this.shown = shown
    } catch (failure) {
      if (asking !== this.#asking || wasAborted(failure)) return
      this.failure = asError(failure)
    } finally {
      if (asking === this.#asking) this.running = false
    }
  }

  /** Run what is in the editor as a job. */
  async submit(format: string): Promise<void> {
    this.failure = null
    try {
      const job = await tap.submit(this.#question(this.text), format)
      this.#setJobs([job, ...this.jobs])
      this.show({ tab: 'jobs' })
      void this.#watch()
    } catch (failure) {
      this.failure = asError(failure)
    }
  }

  async listJobs(): Promise<void> {
    this.#setJobs((await tap.jobs(keptJobs())).toSorted((one, other) => other.created.localeCompare(one.created)))
    void this.#watch()
  }

  /** Follow the jobs that still run, one request each, until none does. */
  async #watch(): Promise<void> {
    this.#watching?.abort()
    const { signal } = (this.#watching = new AbortController())
    await Promise.all(this.jobs.filter((job) => ACTIVE.includes(job.phase)).map((job) => this.#follow(job, signal)))
  }

  async #follow(job: Job, signal: AbortSignal): Promise<void> {
    let now = job
    while (ACTIVE.includes(now.phase) && !signal.aborted) {
      try {
        now = await tap.changed(now, signal)
        this.#replace(now)
      } catch (failure) {
        if (signal.aborted || failure instanceof TapError) return
        await new Promise((resolve) => setTimeout(resolve, RETRY))
      }
    }
  }

  #setJobs(jobs: readonly Job[]): void {
    this.jobs = jobs
    keep('jobs', jobs.slice(0, MOST_KEPT).map((job) => job.id).join())
  }

  #replace(job: Job): void {
    this.jobs = this.jobs.map((other) => (other.id === job.id ? job : other))
  }

  async abort(job: Job): Promise<void> {
    await this.#change(async () => this.#replace(await tap.abort(job.id)))
  }

  async remove(job: Job): Promise<void> {
    await this.#change(async () => {
      await tap.remove(job.id)
      this.#setJobs(this.jobs.filter((other) => other.id !== job.id))
      if (this.view.job === job.id) this.show({ job: null })
    })
  }

  async #change(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.trouble = null
    } catch (failure) {
      this.trouble = asError(failure)
    }
  }

  /** Show the result of a job, where it is one that the page reads. */
  async open(job: Job): Promise<void> {
    this.show({ job: job.id, query: '', tab: 'table' }, 'push')
    this.text = job.query
    const asking = this.#question(job.query)
    await this.#await(async (signal) => ({ asking, answer: await tap.result(job, signal), milliseconds: null, job }))
  }

  async #openNamed(id: string): Promise<void> {
    await this.#await(async (signal) => {
      const job = await tap.job(id)
      if (!job.result) throw new Error(`the job ${id} has no result; its phase is ${job.phase}`)
      if (!canShow(job)) throw new Error(`the result of the job ${id} is ${job.format}, to be downloaded under Jobs`)
      this.text = job.query
      return { asking: this.#question(job.query), answer: await tap.result(job, signal), milliseconds: null, job }
    })
  }
}

/** Whether the page can show the result of a job, not just hand it over. */
export function canShow(job: Job): boolean {
  return job.result !== null && job.result.type.startsWith('application/json')
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure))
}

export const adqlConsole = new Console()
