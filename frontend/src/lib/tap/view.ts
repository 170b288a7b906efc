/** What the address of the ADQL page holds. */

export const TABS = ['table', 'plot', 'sky', 'jobs'] as const
export type Tab = (typeof TABS)[number]
export const LIMITS = [1000, 10_000, 100_000] as const

export interface ConsoleView {
  /** The query that was run; empty before the first. */
  query: string
  maxrec: number
  snapshot: string | null
  tab: Tab
  /** Columns of the plot; null for those that suit. */
  x: string | null
  y: string | null
  /** The job whose result is shown. */
  job: string | null
}

export const NOTHING: ConsoleView = { query: '', maxrec: LIMITS[1], snapshot: null, tab: 'table', x: null, y: null, job: null }
/** Proxies cut longer addresses; such a query is not part of the link. */
export const LONGEST_QUERY = 6000

export function parseView(search: string): ConsoleView {
  const given = new URLSearchParams(search)
  const maxrec = Number(given.get('maxrec'))
  return {
    query: given.get('query') ?? '',
    maxrec: LIMITS.find((limit) => limit === maxrec) ?? NOTHING.maxrec,
    snapshot: given.get('snapshot') || null,
    tab: TABS.find((tab) => tab === given.get('tab')) ?? NOTHING.tab,
    x: given.get('x'),
    y: given.get('y'),
    job: given.get('job'),
  }
}

export function writeView(view: ConsoleView): string {
  const given = new URLSearchParams()
  if (view.query && view.query.length <= LONGEST_QUERY) given.set('query', view.query)
  if (view.maxrec !== NOTHING.maxrec) given.set('maxrec', String(view.maxrec))
  for (const name of ['snapshot', 'x', 'y', 'job'] as const) if (view[name] !== null) given.set(name, view[name])
  if (view.tab !== NOTHING.tab) given.set('tab', view.tab)
  const text = given.toString()
  return text ? `/adql?${text}` : '/adql'
}
