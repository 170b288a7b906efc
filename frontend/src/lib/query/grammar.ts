/**
 * The value grammar of a filter, as the server reads it:
 * `a,b` any of · `!a` not · `lo..hi`, `lo..`, `..hi` range · `*` wildcard · `null` · backslash escapes.
 */

export type Condition =
  | { kind: 'any'; items: string[] }
  | { kind: 'range'; low: string | null; high: string | null }

/** Write a literal value so that none of its characters is read as grammar. */
export function escape(value: string | number | boolean | null): string {
  if (value === null) return 'null'
  const text = String(value).replace(/[\\,*]|\.\.|^!/g, (found) => `\\${found}`)
  return text === 'null' ? '\\null' : text
}

/** The literal that `escape` wrote. */
export function unescape(item: string): string {
  return item.replace(/\\(\.\.|.)/g, '$1')
}

/** Cut at `separator` wherever no backslash stands before it. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  for (let i = 0; i < text.length; ) {
    if (text[i] === '\\') {
      part += text.slice(i, i + 2)
      i += 2
    } else if (text.startsWith(separator, i)) {
      parts.push(part)
      part = ''
      i += separator.length
    } else part += text[i++]
  }
  return [...parts, part]
}

export function parse(text: string): Condition {
  const items = split(text, ',').filter((item) => item !== '')
  const [low, high] = split(items[0] ?? '', '..')
  if (items.length === 1 && high !== undefined) return { kind: 'range', low: low || null, high: high || null }
  return { kind: 'any', items }
}

export function write(condition: Condition): string {
  if (condition.kind === 'any') return condition.items.join(',')
  return `${condition.low ?? ''}..${condition.high ?? ''}`
}

/** The items of a list filter; a range has none. */
export function items(text: string | undefined): string[] {
  if (!text) return []
  const condition = parse(text)
  return condition.kind === 'any' ? condition.items : []
}

export function range(text: string | undefined): { low: string | null; high: string | null } {
  if (!text) return { low: null, high: null }
  const condition = parse(text)
  return condition.kind === 'range' ? condition : { low: null, high: null }
}

/** The filter that leaves one value out, or no longer does; what was asked for is no longer. */
export function excluded(text: string | undefined, value: string | number | boolean | null): string | undefined {
  const item = escape(value)
  const before = items(text).filter((other) => other !== item)
  const after = before.includes(`!${item}`) ? before.filter((other) => other !== `!${item}`) : [...before, `!${item}`]
  return after.length ? write({ kind: 'any', items: after }) : undefined
}

/** The filter with one value more, or without it where it was there; undefined when nothing is left. */
export function toggled(text: string | undefined, value: string | number | boolean | null): string | undefined {
  const item = escape(value)
  const before = items(text).filter((other) => other !== `!${item}`)
  const after = before.includes(item) ? before.filter((other) => other !== item) : [...before, item]
  return after.length ? write({ kind: 'any', items: after }) : undefined
}
