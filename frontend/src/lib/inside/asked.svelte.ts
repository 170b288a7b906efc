/** An answer of the server that follows what is asked; the last one stays until the next is there. */
import { ask, wasAborted } from '../api/client'

export class Asked<Answer> {
  answer: Answer | null = $state.raw(null)
  failure: Error | null = $state.raw(null)
  pending = $state(false)
  #attempt = $state(0)

  /** `address` is asked anew whenever it changes; null asks nothing. */
  constructor(address: () => string | null) {
    $effect(() => {
      void this.#attempt
      const path = address()
      if (path === null) {
        this.answer = null
        return
      }
      const asking = new AbortController()
      this.pending = true
      ask<Answer>(path, {}, asking.signal).then(
        (answer) => {
          this.answer = answer
          this.failure = null
          this.pending = false
        },
        (failure: unknown) => {
          if (wasAborted(failure)) return
          this.failure = failure instanceof Error ? failure : new Error(String(failure))
          this.answer = null
          this.pending = false
        },
      )
      return () => asking.abort()
    })
  }

  readonly again = (): void => {
    this.#attempt += 1
  }
}
