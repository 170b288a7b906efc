/** Questions to the server. Every answer is typed, every failure is one of two errors. */
import type {
  Bulletin,
  ColumnDescription,
  ErrorBody,
  ExportForm,
  FacetAnswer,
  FootprintAnswer,
  Kept,
  Members,
  ObservationRecord,
  Page,
  PreviewNote,
  ProductList,
  Resolved,
  SessionState,
  ScatterAnswer,
  Status,
  Suggestion,
  TargetCounts,
  TargetList,
  TokenList,
  Translation,
} from './types'

/** The server answered, and said no. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
  ) {
    super(body.message)
    this.name = 'ApiError'
  }

  /** Names near the one that was asked for. */
  get closest(): string[] {
    return this.body.closest ?? []
  }
}

/** Nothing answered. */
export class ServerLostError extends Error {
  constructor() {
    super('The server does not answer')
    this.name = 'ServerLostError'
  }
}

export type Parameters = Record<string, string>

/** Addresses longer than this go as a form: proxies cut them. */
const LONGEST_ADDRESS = 4000

export async function ask<T>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> {
  const text = new URLSearchParams(parameters).toString()
  const long = text.length > LONGEST_ADDRESS
  const request: RequestInit = { headers: { Accept: 'application/json' }, signal: signal ?? null }
  if (long) Object.assign(request, { method: 'POST', body: new URLSearchParams(parameters) })
  let response: Response
  try {
    response = await fetch(text && !long ? `${path}?${text}` : path, request)
  } catch (failure) {
    if (signal?.aborted) throw failure
    throw new ServerLostError()
  }
  if (!response.ok) throw await refusal(response)
  return (await response.json()) as T
}

/** Change something; a body that is no file is sent as JSON. `proof` is the session's, without which the server refuses (against requests of other sites). */
export async function send<T>(method: string, path: string, body?: object | Blob, proof = '', signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (proof) headers['X-CSRF-Token'] = proof
  const isFile = body instanceof Blob
  if (body && !isFile) headers['Content-Type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(path, { method, headers, body: isFile ? body : body ? JSON.stringify(body) : null, signal: signal ?? null })
  } catch (failure) {
    if (signal?.aborted) throw failure
    throw new ServerLostError()
  }
  if (!response.ok) throw await refusal(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** The error a failed response tells, also where a proxy answered in the server's place. */
export async function refusal(response: Response): Promise<ApiError | ServerLostError> {
  const told = (await response.json().catch(() => null)) as { error?: ErrorBody } | null
  if (told?.error) return new ApiError(response.status, told.error)
  if (response.status === 502 || response.status === 504) return new ServerLostError()
  return new ApiError(response.status, {
    type: 'unexpected',
    message: `The server answered ${response.status} ${response.statusText}`.trim(),
  })
}

export function wasAborted(failure: unknown): boolean {
  return failure instanceof DOMException && failure.name === 'AbortError'
}

const named = (name: string) => encodeURIComponent(name)

export const api = {
  observations: (query: Parameters, signal?: AbortSignal) => ask<Page>('/api/v1/observations', query, signal),
  facets: (query: Parameters, signal?: AbortSignal) => ask<FacetAnswer>('/api/v1/facets', query, signal),
  footprints: (query: Parameters, signal?: AbortSignal) => ask<FootprintAnswer>('/api/v1/footprints', query, signal),
  scatter: (query: Parameters, signal?: AbortSignal) => ask<ScatterAnswer>('/api/v1/scatter', query, signal),
  adql: (query: Parameters, signal?: AbortSignal) => ask<Translation>('/api/v1/adql', query, signal),
  observation: (obsId: string, signal?: AbortSignal) =>
    ask<ObservationRecord>(`/api/v1/observations/${named(obsId)}`, {}, signal),
  products: (obsId: string, everything: boolean, signal?: AbortSignal) =>
    ask<ProductList>(`/api/v1/observations/${named(obsId)}/products`, everything ? { all: '1' } : {}, signal),
  preview: (filename: string, signal?: AbortSignal) =>
    ask<PreviewNote>(`/api/v1/products/${named(filename)}/preview`, {}, signal),
  resolve: (name: string, signal?: AbortSignal) => ask<Resolved>('/api/v1/resolve', { name }, signal),
  suggest: (q: string, signal?: AbortSignal) =>
    ask<{ suggestions: Suggestion[] }>('/api/v1/suggest', { q }, signal).then((answer) => answer.suggestions),
  news: (days: number, signal?: AbortSignal) => ask<Bulletin>('/api/v1/news', { days: String(days) }, signal),
  exportForms: (signal?: AbortSignal) => ask<ExportForm[]>('/api/v1/export', {}, signal),
  columns: (signal?: AbortSignal) => ask<ColumnDescription[]>('/api/v1/columns', {}, signal),
  session: (signal?: AbortSignal) => ask<SessionState>('/api/v1/session', {}, signal),
  tokens: (signal?: AbortSignal) => ask<TokenList>('/api/v1/tokens', {}, signal),
  members: (program: string, signal?: AbortSignal) =>
    ask<Members>(`/api/v1/programs/${named(program)}/members`, {}, signal),
  kept: (signal?: AbortSignal) => ask<Kept[]>('/api/v1/kept', {}, signal),
  shared: (id: string, signal?: AbortSignal) => ask<Kept>(`/api/v1/shared/${named(id)}`, {}, signal),
  matchedColumns: (signal?: AbortSignal) => ask<ColumnDescription[]>('/api/v1/columns/matched', {}, signal),
  sendTargets: (content: Blob, name: string) =>
    send<TargetList>('POST', `/api/v1/targets?name=${named(name)}`, content),
  targets: (id: string, signal?: AbortSignal) => ask<TargetList>(`/api/v1/targets/${named(id)}`, {}, signal),
  mendTargets: (id: string, lines: Record<number, string>) =>
    send<TargetList>('POST', `/api/v1/targets/${named(id)}/lines`, { lines }),
  targetCounts: (id: string, query: Parameters, signal?: AbortSignal) =>
    ask<TargetCounts>(`/api/v1/targets/${named(id)}/counts`, query, signal),
  status: (signal?: AbortSignal) => ask<Status>('/api/v1/status', {}, signal),
}
