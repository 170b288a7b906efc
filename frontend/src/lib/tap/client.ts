/** TAP as the ADQL page uses it: the same addresses, parameters and documents as every VO client. */
import { account } from '../account/account.svelte'
import { ServerLostError } from '../api/client'
import type { QueryError } from '../adql/marks'
import { readAnswer, type Answer } from './answer'
import { errorOf, jobNames, readExamples, readFormats, readJob, readTables, type Example, type Job, type Table } from './uws'

/** The service said no; `place` where in the query it found the fault. */
export class TapError extends Error {
  readonly place: QueryError | null

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
    this.name = 'TapError'
    this.place = placeOf(message)
  }
}

/** Line and column that an error names; null where it names none. */
export function placeOf(message: string): QueryError | null {
  const found = /^QUERY, line ([0-9]+), column ([0-9]+): (.*)$/s.exec(message)
  return found ? { line: Number(found[1]), column: Number(found[2]), message: found[3]! } : null
}

export interface Asking {
  query: string
  maxrec: number
  /** Number or name of a snapshot; null for the archive as it is. */
  snapshot: string | null
}

/** The parameters of a query, TAP 1.1 §2.7. */
export function parameters({ query, maxrec, snapshot }: Asking, format: string): Record<string, string> {
  return { LANG: 'ADQL', QUERY: query, RESPONSEFORMAT: format, MAXREC: String(maxrec), ...(snapshot === null ? {} : { SNAPSHOT: snapshot }) }
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (failure) {
    if (init.signal?.aborted) throw failure
    throw new ServerLostError()
  }
  if (response.ok) return response
  const message = errorOf(await response.text())
  if (message === null && response.status >= 502) throw new ServerLostError()
  throw new TapError(message ?? `The server answered ${response.status} ${response.statusText}`.trim(), response.status)
}

const text = async (path: string, init: RequestInit = {}) => (await request(path, init)).text()
/** What changes something carries the proof of the session. */
const post = (form: Record<string, string>): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(form),
  headers: account.state?.csrf ? { 'X-CSRF-Token': account.state.csrf } : {},
})

/** Jobs shown in the history. */
const MOST_JOBS = 50
/** Seconds that one request waits for a job to change. */
const PATIENCE = 30

export const tap = {
  ask: async (asking: Asking, signal: AbortSignal): Promise<Answer> =>
    readAnswer(await text('/tap/sync', { ...post(parameters(asking, 'json')), signal })),
  /** The same rows as a file. */
  file: async (asking: Asking, format: string): Promise<Blob> => (await request('/tap/sync', post(parameters(asking, format)))).blob(),
  tables: async (): Promise<Table[]> => readTables(await text('/tap/tables')),
  examples: async (): Promise<Example[]> => readExamples(await text('/tap/examples')),
  formats: async (): Promise<string[]> => readFormats(await text('/tap/capabilities')),
  /** The caller's jobs; `known` by name are those of nobody's account, which the service lists to nobody. */
  jobs: async (known: readonly string[]): Promise<Job[]> => {
    const names = new Set([...jobNames(await text(`/tap/async?LAST=${MOST_JOBS}`)), ...known])
    const found = await Promise.all([...names].map((id) => tap.job(id).catch(unlessGone)))
    return found.filter((job) => job !== null)
  },
  job: async (id: string): Promise<Job> => readJob(await text(jobAddress(id))),
  /** The job once its phase is another than that one, or a while has passed. */
  changed: async (job: Job, signal: AbortSignal): Promise<Job> =>
    readJob(await text(`${jobAddress(job.id)}?WAIT=${PATIENCE}&PHASE=${job.phase}`, { signal })),
  submit: async (asking: Asking, format: string): Promise<Job> =>
    readJob(await text('/tap/async', post({ ...parameters(asking, format), PHASE: 'RUN' }))),
  abort: async (id: string): Promise<Job> => readJob(await text(jobAddress(id), post({ PHASE: 'ABORT' }))),
  remove: async (id: string): Promise<void> => {
    await text(jobAddress(id), post({ ACTION: 'DELETE' }))
  },
  result: async (job: Job, signal: AbortSignal): Promise<Answer> => readAnswer(await text(job.result!.address, { signal })),
}

function unlessGone(failure: unknown): null {
  if (failure instanceof TapError && failure.status >= 400 && failure.status < 500) return null
  throw failure
}

function jobAddress(id: string): string {
  return `/tap/async/${encodeURIComponent(id)}`
}
