/** Header cards and documents as rows that can be searched and copied. */

export type Value = string | number | boolean | null
export type Card = readonly [keyword: string, value: Value, comment: string]

/** A value as FITS writes it: logicals T and F, numbers with all their digits. */
export function written(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'boolean') return value ? 'T' : 'F'
  return String(value)
}

/** Cards that hold every word of the search in keyword, value or comment. */
export function matching(cards: readonly Card[], search: string): Card[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return cards.filter((card) => {
    const text = `${card[0]} ${written(card[1])} ${card[2]}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** Rows for a JSON document: each leaf under its path; short lists of plain values stay together. */
export function flattened(document: unknown, path = ''): Card[] {
  if (isPlain(document)) return path ? [[path, document, '']] : []
  if (Array.isArray(document)) {
    if (document.length <= 20 && document.every(isPlain)) return [[path, document.map(written).join(', '), '']]
    return document.flatMap((item, i) => flattened(item, `${path}[${i}]`))
  }
  if (typeof document !== 'object' || document === null) return []
  return Object.entries(document).flatMap(([key, value]) => flattened(value, path ? `${path}.${key}` : key))
}

function isPlain(value: unknown): value is Value {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** A header as lines of text for the clipboard. */
export function asText(cards: readonly Card[]): string {
  return cards.map(([keyword, value, comment]) => `${keyword} = ${written(value)}${comment ? ` / ${comment}` : ''}`).join('\n')
}
