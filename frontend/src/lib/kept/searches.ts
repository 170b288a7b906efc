/** Saved searches: where they are run, and what of them is new. */
import type { Kept } from '../api/types'
import { writeParameters } from '../query/query'

/** Parameters of a kept search; empty for the whole archive. */
export function parametersOf(kept: Pick<Kept, 'document'>): Record<string, string> {
  const held = kept.document['search']
  return Object.fromEntries(new URLSearchParams(typeof held === 'string' ? held : (held?.[0] ?? '')))
}

/** The parameters that find what came to the archive since a moment; null where the search itself asks when it came. */
export function newSince(parameters: Readonly<Record<string, string>>, moment: string): Record<string, string> | null {
  if ('archived_at' in parameters) return null
  return { ...parameters, archived_at: `${moment.replace(/Z$/, '')}..` }
}

export function exploreAddress(parameters: Readonly<Record<string, string>>): string {
  const text = writeParameters({ ...parameters })
  return text ? `/?${text}` : '/'
}

/** A search in words: its values, in the order of the address. */
export function inWords(parameters: Readonly<Record<string, string>>): string {
  const words = Object.entries(parameters).map(([name, value]) => (name === 'text' || name === 'position' ? value : `${name} ${value}`))
  return words.join(' · ') || 'the whole archive'
}
