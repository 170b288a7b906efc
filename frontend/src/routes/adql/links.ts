/** Where a value of an answer leads. */
import { observationAddress } from '$lib/query/route'
import type { Field } from '$lib/tap/answer'

/** An address of ours or of the web, or null. */
export function linkOf(field: Field, text: string): string | null {
  if (!text) return null
  if (field.name.toLowerCase() === 'obs_id') return observationAddress(text)
  return /^https?:\/\/[^\s]+$/.test(text) ? text : null
}
