/** Where the server's answer to a wrong query belongs in the text. */

import type { Diagnostic } from '@codemirror/lint'

/** What an error says: line and column count from 1, as the server counts them; characters beyond U+FFFF are one. */
export interface QueryError {
  message: string
  line: number
  column: number
}

const WORD = /^("(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z0-9_.]+|<>|!=|<=|>=|\|\||[^\s])/u

/** The mark of an error: its word, or the last character of the text where the query ends too early. */
export function mark(text: string, error: QueryError): Diagnostic {
  const lines = text.split('\n')
  const line = Math.min(Math.max(error.line, 1), lines.length)
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0)
  const ahead = [...lines[line - 1]!].slice(0, Math.max(error.column - 1, 0)).join('')
  const from = Math.min(start + ahead.length, text.length)
  const word = WORD.exec(text.slice(from))?.[0]
  if (word) return { from, to: from + word.length, severity: 'error', message: error.message }
  const end = text.slice(0, from).trimEnd().length
  return { from: Math.max(end - 1, 0), to: Math.max(end, Math.min(1, text.length)), severity: 'error', message: error.message }
}
