/** ADQL for CodeMirror: which characters are which words. The server's parser decides; this colours and indents. */

import { HighlightStyle, StreamLanguage, syntaxHighlighting, type StreamParser } from '@codemirror/language'
import { Tag, tags } from '@lezer/highlight'
import words from './words.json'

export const RESERVED: ReadonlySet<string> = new Set(words.reserved)
export const FUNCTIONS: ReadonlySet<string> = new Set(words.functions)

const SPACE = /^[ \t]+/
const WORD = /^[A-Za-z][A-Za-z0-9_]*/
const NUMBER = /^(0[xX][0-9A-Fa-f]+|([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)(?![A-Za-z0-9_])/
const OPERATOR = /^(<>|!=|<=|>=|\|\||[-+*/=<>])/

/** What a text goes on with at the beginning of a line: nothing, a string or a quoted name that is still open. */
interface State {
  open: '' | "'" | '"'
}

const quotedName = Tag.define()

const parser: StreamParser<State> = {
  name: 'adql',
  startState: () => ({ open: '' }),
  token(stream, state) {
    if (state.open) return enclosed(stream, state, state.open)
    if (stream.match(SPACE)) return null
    if (stream.match('--')) {
      stream.skipToEnd()
      return 'comment'
    }
    const quote = stream.peek()
    if (quote === "'" || quote === '"') {
      stream.next()
      return enclosed(stream, state, quote)
    }
    const word = stream.match(WORD) as RegExpMatchArray | null
    if (word) return wordStyle(word[0].toUpperCase(), stream.match(/^\s*\(/, false) !== null)
    if (stream.match(NUMBER)) return 'number'
    if (stream.match(OPERATOR)) return 'operator'
    return /[(),.;]/.test(stream.next() ?? '') ? 'punctuation' : 'invalid'
  },
  tokenTable: { quotedName },
  languageData: {
    commentTokens: { line: '--' },
    closeBrackets: { brackets: ['(', "'", '"'] },
  },
}

function enclosed(stream: Parameters<typeof parser.token>[0], state: State, quote: "'" | '"'): string {
  state.open = quote
  for (let character = stream.next(); character !== undefined; character = stream.next()) {
    if (character !== quote) continue
    if (stream.peek() === quote) {
      stream.next()
      continue
    }
    state.open = ''
    break
  }
  return quote === "'" ? 'string' : 'quotedName'
}

function wordStyle(word: string, called: boolean): string {
  if (called && (FUNCTIONS.has(word) || !RESERVED.has(word))) return 'variableName.function'
  return RESERVED.has(word) ? 'keyword' : 'variableName'
}

export const adql = StreamLanguage.define(parser)

/** Colours from the portal's own custom properties, so that they follow its themes. */
export const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.keyword, color: 'var(--acc)' },
    { tag: tags.function(tags.variableName), color: 'var(--link)' },
    { tag: tags.string, color: 'var(--ok)' },
    { tag: tags.number, color: 'var(--lock)' },
    { tag: tags.comment, color: 'var(--fg3)', fontStyle: 'italic' },
    { tag: quotedName, textDecoration: 'underline dotted' },
    { tag: tags.invalid, color: 'var(--err)' },
  ]),
)
