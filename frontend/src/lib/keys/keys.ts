/** The keys of the portal: what each does, and the reader of two-stroke keys. */

export interface KeyHelp {
  keys: readonly string[]
  does: string
}

export const KEYS: readonly { where: string; list: readonly KeyHelp[] }[] = [
  {
    where: 'Everywhere',
    list: [
      { keys: ['/'], does: 'Search' },
      { keys: ['g', 'e'], does: 'Go to Explore' },
      { keys: ['g', 'o'], does: 'Go to the focused observation' },
      { keys: ['g', 'a'], does: 'Go to ADQL' },
      { keys: ['g', 'h'], does: 'Go to the guide' },
      { keys: ['g', 'n'], does: 'Go to what is new' },
      { keys: ['g', 's'], does: 'Go to saved searches and lists' },
      { keys: ['b'], does: 'Add the selected observations to the basket' },
      { keys: ['g', 'b'], does: 'Go to the basket' },
      { keys: ['?'], does: 'List the keys' },
      { keys: ['Esc'], does: 'Close, or stop a running query' },
    ],
  },
  {
    where: 'Results',
    list: [
      { keys: ['j', '↓'], does: 'Next observation' },
      { keys: ['k', '↑'], does: 'Previous observation' },
      { keys: ['Space'], does: 'Select' },
      { keys: ['Enter'], does: 'Open' },
      { keys: ['Home', 'End'], does: 'First and last' },
    ],
  },
  {
    where: 'ADQL',
    list: [
      { keys: ['Ctrl', '↵'], does: 'Run the query' },
      { keys: ['Ctrl', 'Space'], does: 'Complete a name' },
      { keys: ['Esc', 'Tab'], does: 'Leave the editor' },
    ],
  },
  {
    where: 'Sky, when it has the focus',
    list: [
      { keys: ['+', '−'], does: 'Zoom' },
      { keys: ['← ↑ → ↓'], does: 'Move' },
      { keys: ['[', ']'], does: 'Turn left and right; a drag with Shift turns, too' },
      { keys: ['0'], does: 'Show all results, north up' },
      { keys: ['Tab'], does: 'Next footprint under the pointer' },
    ],
  },
]

export type Action = 'search' | 'explore' | 'observation' | 'adql' | 'basket' | 'collect' | 'guide' | 'new' | 'saved' | 'help' | 'next' | 'previous' | 'select' | 'open' | 'escape'

const SINGLE: Record<string, Action> = {
  '/': 'search',
  '?': 'help',
  b: 'collect',
  j: 'next',
  k: 'previous',
  ArrowDown: 'next',
  ArrowUp: 'previous',
  ' ': 'select',
  Enter: 'open',
  Escape: 'escape',
}
const AFTER_G: Record<string, Action> = { e: 'explore', o: 'observation', a: 'adql', b: 'basket', h: 'guide', n: 'new', s: 'saved' }

/** Time in which the second stroke of `g e` has to come; milliseconds. */
const PATIENCE = 1200

export interface Stroke {
  key: string
  at: number
}

/** Turns strokes into actions; remembers a leading `g`. */
export class KeyReader {
  #led = -Infinity

  read({ key, at }: Stroke): Action | null {
    const led = at - this.#led <= PATIENCE
    this.#led = -Infinity
    if (led && AFTER_G[key]) return AFTER_G[key]
    if (key === 'g') {
      this.#led = at
      return null
    }
    return SINGLE[key] ?? null
  }
}

/** Whether a key belongs to what has the focus: text fields keep all, controls their own. */
export function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.matches('textarea, select')) return true
  if (target instanceof HTMLInputElement && target.type !== 'checkbox') return true
  const own = ['Enter', ' ', 'ArrowDown', 'ArrowUp']
  if (!own.includes(key)) return false
  return target.closest('a, button, input, dialog, pre, [role="slider"], [role="application"], [role="tab"]') !== null
}
