/** What a basket holds: parameters of a selection, as the server takes them. */
import { quoted, shellWord } from '../inspector/script'

export const KINDS = ['observation', 'search', 'product'] as const
export type Kind = (typeof KINDS)[number]
export type Contents = Readonly<Record<Kind, readonly string[]>>

/** Narrowing and layout of what is fetched, each a comma-separated list or empty. */
export type Options = Readonly<Record<string, string>>

export const NOTHING: Contents = { observation: [], search: [], product: [] }

/** Addresses longer than this are cut by some proxies. */
export const LONGEST_LINK = 6000

export function size(contents: Contents): number {
  return KINDS.reduce((sum, kind) => sum + contents[kind].length, 0)
}

export function joined(one: Contents, other: Contents): Contents {
  const both = (kind: Kind) => [...new Set([...one[kind], ...other[kind]])]
  return { observation: both('observation'), search: both('search'), product: both('product') }
}

export function without(contents: Contents, kind: Kind, item: string): Contents {
  return { ...contents, [kind]: contents[kind].filter((each) => each !== item) }
}

/** Read what the server kept or a browser stored; anything else is an empty basket. */
export function readContents(document: unknown): Contents {
  const held = (document ?? {}) as Record<string, unknown>
  const texts = (value: unknown) => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : typeof value === 'string' ? [value] : [])
  return { observation: texts(held['observation']), search: texts(held['search']), product: texts(held['product']) }
}

export function fromAddress(search: string): Contents {
  const parameters = new URLSearchParams(search)
  return { observation: parameters.getAll('observation'), search: parameters.getAll('search'), product: parameters.getAll('product') }
}

/** Parameters for a form or an address, in order. */
export function parameters(contents: Contents, options: Options = {}): [string, string][] {
  const held = KINDS.flatMap((kind) => contents[kind].map((item): [string, string] => [kind, item]))
  return [...held, ...Object.entries(options).filter(([, value]) => value !== '')]
}

/** A link that carries the basket itself; null where it would be too long. */
export function link(origin: string, contents: Contents): string | null {
  const address = `${origin}/basket?${new URLSearchParams(parameters(contents)).toString()}`
  return address.length > LONGEST_LINK ? null : address
}

/** Shell words of `deepfield get`. A long basket comes through its link. */
export function getCommand(origin: string, contents: Contents, options: Options, shared: string | null): string {
  const flags: Record<string, string> = {
    suffix: '--suffix', extension: '--extension', product_type: '--product-type', calib_level: '--calib-level', detector: '--detector', layout: '--layout',
  }
  const words = ['deepfield get', `--from ${shellWord(origin)}`]
  if (shared) words.push(`--basket ${shellWord(shared)}`)
  else {
    words.push(...contents.search.map((search) => `--search ${shellWord(search)}`))
    words.push(...[...contents.observation, ...contents.product].map(shellWord))
  }
  for (const [name, flag] of Object.entries(flags)) if (options[name]) words.push(`${flag} ${shellWord(options[name])}`)
  if (options['all'] === '1') words.push('--all')
  return words.join(' \\\n  ') + '\n'
}

/** The same with astroquery, told where to ask by `deepfield client-config`. */
export function astroquery(uris: readonly string[]): string {
  return [
    '# first: deepfield client-config ' + (typeof location === 'undefined' ? 'SERVER' : location.origin) + ' --install',
    'from astroquery.mast import Observations',
    '',
    'for uri in [',
    ...uris.map((uri) => `    ${quoted(uri)},`),
    ']:',
    '    print(Observations.download_file(uri))',
    '',
  ].join('\n')
}
