/** The basket: in the browser for everybody, with the account of who is signed in. */
import { api } from '../api/client'
import { account } from '../account/account.svelte'
import { NOTHING, joined, readContents, size, without, type Contents, type Kind } from './contents'

const STORED = 'deepfield.basket'
const NAME = 'basket'

class Basket {
  contents: Contents = $state.raw(stored())
  /** Identifier by which anybody may read it; null while it lives in this browser alone. */
  shared: string | null = $state(null)
  /** Why it could not be kept with the account; empty when all is well. */
  trouble = $state('')
  #saving: Promise<void> = Promise.resolve()

  get count(): number {
    return size(this.contents)
  }

  add(kind: Kind, items: readonly string[]): void {
    this.take({ ...NOTHING, [kind]: items })
  }

  take(contents: Contents): void {
    this.#set(joined(this.contents, contents))
  }

  remove(kind: Kind, item: string): void {
    this.#set(without(this.contents, kind, item))
  }

  clear(): void {
    this.#set(NOTHING)
  }

  has(kind: Kind, item: string): boolean {
    return this.contents[kind].includes(item)
  }

  /** Bring together what this browser and the account hold; called once it is known who asks. */
  async meet(): Promise<void> {
    if (account.name === null) {
      this.shared = null
      return
    }
    try {
      const kept = (await api.kept()).find((each) => each.kind === 'basket' && each.name === NAME)
      this.shared = kept?.id ?? null
      this.#set(joined(readContents(kept?.document), this.contents))
    } catch (failure) {
      this.trouble = failure instanceof Error ? failure.message : String(failure)
    }
  }

  #set(contents: Contents): void {
    this.contents = contents
    try {
      localStorage.setItem(STORED, JSON.stringify(contents))
    } catch {
      // The basket then lasts as long as the page.
    }
    if (account.name !== null) this.#saving = this.#saving.then(() => this.#save(contents))
  }

  async #save(contents: Contents): Promise<void> {
    if (contents !== this.contents) return // a later change is waiting
    try {
      this.shared = (await account.keep('basket', NAME, contents)).id
      this.trouble = ''
    } catch (failure) {
      this.trouble = failure instanceof Error ? failure.message : String(failure)
    }
  }
}

function stored(): Contents {
  try {
    return readContents(JSON.parse(localStorage.getItem(STORED) ?? '{}'))
  } catch {
    return NOTHING
  }
}

export const basket = new Basket()
