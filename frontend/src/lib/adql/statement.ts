/** What a half-written statement says around the cursor: which tables it reads, and what kind of word is due. */

export interface Word {
  text: string
  from: number
  kind: 'word' | 'quoted' | 'sign'
}

/** A table that the statement reads: its name as written, dots and all without quotes, and the name it goes by. */
export interface Source {
  table: string
  alias: string
}

const TOKEN = /--[^\n]*|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|[A-Za-z][A-Za-z0-9_]*|(?:[0-9]+\.?[0-9]*|\.[0-9]+)[A-Za-z0-9_]*|[^\s]/g
const ENDS_THE_LIST = 'SELECT WHERE GROUP HAVING ORDER OFFSET UNION EXCEPT INTERSECT'.split(' ')
const ENDS_A_TABLE = new Set([...ENDS_THE_LIST, ...'ON USING JOIN NATURAL INNER LEFT RIGHT FULL OUTER'.split(' ')])

/** The words of a text, without strings, numbers and comments. */
export function words(text: string): Word[] {
  const found: Word[] = []
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0]
    if (token.startsWith('--') || token.startsWith("'") || /^\.?[0-9]/.test(token)) continue
    const kind = token.startsWith('"') ? 'quoted' : /^[A-Za-z]/.test(token) ? 'word' : 'sign'
    found.push({ text: token, from: match.index, kind })
  }
  return found
}

/** Whether a place lies inside a string or a comment, where nothing is to be completed. */
export function isText(text: string, place: number): boolean {
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0]
    const end = match.index + token.length
    if (match.index >= place) return false
    if (token.startsWith('--')) {
      if (place <= end) return true
    } else if (token.startsWith("'")) {
      const closed = token.length > 1 && token.endsWith("'")
      if (place < end || (place === end && !closed)) return true
    }
  }
  return false
}

/** The name without its quotes. */
export function bare(token: string): string {
  return token.startsWith('"') ? token.replace(/^"|"$/g, '').replaceAll('""', '"') : token
}

/** The tables behind FROM, JOIN and commas between them, wherever in the text. */
export function sources(text: string): Source[] {
  const tokens = words(text)
  const found: Source[] = []
  let due = false
  let depth = 0
  const lists = [false] // by depth of parentheses, whether a comma leads to another table
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const upper = token.kind === 'word' ? token.text.toUpperCase() : token.text
    if (token.kind === 'sign') {
      if (upper === '(') lists[++depth] = false
      else if (upper === ')') depth = Math.max(depth - 1, 0)
      due = upper === ',' ? lists[depth]! : due && upper === '('
      continue
    }
    if (upper === 'FROM' || upper === 'JOIN') {
      due = true
      lists[depth] ||= upper === 'FROM'
      continue
    }
    if (ENDS_A_TABLE.has(upper)) {
      if (ENDS_THE_LIST.includes(upper)) lists[depth] = false
      due = false
      continue
    }
    if (!due) continue
    const parts = [bare(token.text)]
    while (tokens[at + 1]?.text === '.' && tokens[at + 2] && tokens[at + 2]!.kind !== 'sign') {
      parts.push(bare(tokens[at + 2]!.text))
      at += 2
    }
    if (tokens[at + 1]?.text.toUpperCase() === 'AS') at++
    const next = tokens[at + 1]
    const named = next && next.kind !== 'sign' && !(next.kind === 'word' && ENDS_A_TABLE.has(next.text.toUpperCase()))
    found.push({ table: parts.join('.'), alias: named ? bare(next.text) : parts.at(-1)! })
    if (named) at++
    due = false
  }
  return found
}

/** What goes between a text and a name that is put behind it: a comma behind another name, a space behind a keyword. */
export function joint(before: string, reserved: ReadonlySet<string>): string {
  const last = /(?:"[^"]*"|[\w)*]+)$/.exec(before)?.[0]
  if (last === undefined || isText(before, before.length)) return ''
  return reserved.has(last.toUpperCase()) ? ' ' : ', '
}
