/** Lists of targets by their identifier. A list never changes, so it is asked for once. */
import { SvelteMap } from 'svelte/reactivity'
import { api } from '../api/client'
import type { TargetList } from '../api/types'
import { session } from '../query/session.svelte'

export interface Mark {
  ra: number
  dec: number
}

const NONE: readonly Mark[] = []

class TargetLists {
  /** Lines pasted into the search line, on their way to the page of lists. */
  draft = $state('')
  /** A file dropped on another page, on its way there. */
  dropped: File | null = $state.raw(null)
  readonly #known = new SvelteMap<string, TargetList>()
  readonly #marks = new Map<string, readonly Mark[]>()

  constructor() {
    $effect.root(() => {
      $effect(() => {
        const id = session.route.page === 'explore' ? session.query.targets : null
        if (id !== null && !this.#known.has(id)) this.load(id).catch(() => undefined) // the results say what is wrong
      })
    })
  }

  /** The list, where it is known already. */
  of(id: string | null): TargetList | null {
    return id === null ? null : (this.#known.get(id) ?? null)
  }

  /** The places of a list; none until it is known. */
  places(id: string | null): readonly Mark[] {
    const list = this.of(id)
    if (list === null) return NONE
    const known = this.#marks.get(list.id)
    if (known) return known
    const marks = list.targets.flatMap(({ ra, dec }) => (ra === null || dec === null ? [] : [{ ra, dec }]))
    this.#marks.set(list.id, marks)
    return marks
  }

  async load(id: string, signal?: AbortSignal): Promise<TargetList> {
    return this.of(id) ?? this.#keep(await api.targets(id, signal))
  }

  async send(content: Blob, name: string): Promise<TargetList> {
    return this.#keep(await api.sendTargets(content, name))
  }

  /** Say lines otherwise; the answer is another list. */
  async mend(id: string, lines: Record<number, string>): Promise<TargetList> {
    return this.#keep(await api.mendTargets(id, lines))
  }

  #keep(list: TargetList): TargetList {
    this.#known.set(list.id, list)
    return list
  }
}

export const targetLists = new TargetLists()
