/** What the user points at (`hovered`) and has picked (`chosen`), by obs_number. Shared by table and sky. */
import { SvelteMap } from 'svelte/reactivity'

const STORED = 'deepfield.selection'

class Selection {
  hovered: string | null = $state(null)
  /** obs_number to obs_id. */
  readonly chosen = new SvelteMap<string, string>(stored())

  toggle(number: string, obsId: string): void {
    if (!this.chosen.delete(number)) this.chosen.set(number, obsId)
    this.#keep()
  }

  choose(rows: Iterable<[number: string, obsId: string]>, on: boolean): void {
    for (const [number, obsId] of rows) {
      if (on) this.chosen.set(number, obsId)
      else this.chosen.delete(number)
    }
    this.#keep()
  }

  clear(): void {
    this.chosen.clear()
    this.#keep()
  }

  #keep(): void {
    try {
      sessionStorage.setItem(STORED, JSON.stringify([...this.chosen]))
    } catch {
      // The selection then lasts as long as the page.
    }
  }
}

function stored(): [string, string][] {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as [string, string][]
  } catch {
    return []
  }
}

export const selection = new Selection()
