/** What the address of an observation page says after its `?`: product, HDU, what is listed. */
import { session } from '$lib/query/session.svelte'

class Address {
  #values: Readonly<Record<string, string>> = $state.raw({})

  constructor() {
    // every way of the address into the page passes through the route
    $effect.root(() => {
      $effect(() => {
        void session.route
        this.#values = Object.fromEntries(new URLSearchParams(location.search))
      })
    })
  }

  get(name: string): string | null {
    return this.#values[name] ?? null
  }

  /** Change some of it; null removes. The step replaces the one before, so Back leads to the page before. */
  set(changes: Record<string, string | null>): void {
    const merged: Record<string, string | null> = { ...this.#values, ...changes }
    const kept = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null)
    this.#values = Object.fromEntries(kept)
    const text = new URLSearchParams(this.#values).toString()
    history.replaceState(history.state, '', text ? `${location.pathname}?${text}` : location.pathname)
  }
}

export const address = new Address()
