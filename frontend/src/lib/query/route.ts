/** Which page an address names. */

export type Route =
  | { page: 'explore' }
  | { page: 'observation'; obsId: string; tab: string }
  | { page: 'account' }
  | { page: 'basket' }
  | { page: 'targets'; list: string | null }
  | { page: 'login' }
  | { page: 'adql' }
  | { page: 'help' }
  | { page: 'new' }
  | { page: 'saved' }
  | { page: 'missing'; path: string }

export function parseRoute(pathname: string): Route {
  const parts = pathname.split('/').filter(Boolean).map(decoded)
  if (parts.length === 0) return { page: 'explore' }
  if (parts[0] === 'obs' && parts[1] && parts.length <= 3) {
    return { page: 'observation', obsId: parts[1], tab: parts[2] ?? 'view' }
  }
  if (parts.length === 1 && (parts[0] === 'account' || parts[0] === 'token')) return { page: 'account' }
  if (parts.length === 1 && parts[0] === 'basket') return { page: 'basket' }
  if (parts[0] === 'targets' && parts.length <= 2) return { page: 'targets', list: parts[1] ?? null }
  if (parts.length === 1 && parts[0] === 'login') return { page: 'login' }
  if (parts.length === 1 && (parts[0] === 'adql' || parts[0] === 'help' || parts[0] === 'new' || parts[0] === 'saved')) return { page: parts[0] }
  return { page: 'missing', path: pathname }
}

export function observationAddress(obsId: string, tab?: string): string {
  return `/obs/${encodeURIComponent(obsId)}${tab ? `/${tab}` : ''}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
