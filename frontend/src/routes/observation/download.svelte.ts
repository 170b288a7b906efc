/** Fetching products with progress, and checking that what came is what the archive holds. */
import { ApiError, refusal, ServerLostError } from '$lib/api/client'
import type { Product } from '$lib/api/types'
import { utc } from '$lib/format/times'
import { Sha256 } from './sha256'

/** Beyond this a page is no place for the bytes: the browser's own download takes over. */
export const LARGEST_HELD = 2_000_000_000

export type Transfer =
  | { state: 'waiting' }
  | { state: 'running'; received: number; size: number }
  | { state: 'verified'; received: number }
  | { state: 'failed'; reason: string }

class Downloads {
  readonly #transfers: Record<string, Transfer> = $state({})
  #stop: AbortController | null = null
  #queue: Product[] = []

  of(filename: string): Transfer | null {
    return this.#transfers[filename] ?? null
  }

  get isRunning(): boolean {
    return Object.values(this.#transfers).some((transfer) => transfer.state === 'running' || transfer.state === 'waiting')
  }

  /** Fetch products one after the other; each is saved once its SHA-256 agrees. */
  async fetch(products: readonly Product[]): Promise<void> {
    const idle = !this.isRunning
    for (const product of products) {
      const before = this.of(product.filename)?.state
      if (before === 'waiting' || before === 'running') continue
      this.#transfers[product.filename] = { state: 'waiting' }
      this.#queue.push(product)
    }
    if (!idle) return
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await this.#take(next)
  }

  cancel(): void {
    for (const product of this.#queue) delete this.#transfers[product.filename]
    this.#queue = []
    this.#stop?.abort()
  }

  async #take(product: Product): Promise<void> {
    this.#stop = new AbortController()
    const size = Number(product.size)
    try {
      if (size > LARGEST_HELD) {
        save(product.url, product.filename)
        delete this.#transfers[product.filename]
        return
      }
      const [bytes, digest] = await this.#receive(product, size, this.#stop.signal)
      if (bytes.size !== size || digest !== product.sha256) {
        this.#fail(product, `Received ${bytes.size} of ${size} bytes, and their SHA-256 differs. Nothing was saved; try again.`)
        return
      }
      const held = URL.createObjectURL(bytes)
      save(held, product.filename)
      setTimeout(() => URL.revokeObjectURL(held), 60_000)
      this.#transfers[product.filename] = { state: 'verified', received: size }
    } catch (failure) {
      this.#fail(product, this.#stop.signal.aborted ? 'Stopped' : reasonOf(failure))
    }
  }

  async #receive(product: Product, size: number, signal: AbortSignal): Promise<[Blob, string]> {
    const response = await fetch(product.url, { signal })
    if (!response.ok || !response.body) throw await refusal(response)
    const reader = response.body.getReader()
    const hash = new Sha256()
    const pieces: BlobPart[] = []
    let received = 0
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      hash.update(piece.value)
      pieces.push(piece.value)
      received += piece.value.length
      this.#transfers[product.filename] = { state: 'running', received, size }
    }
    return [new Blob(pieces, { type: product.content_type }), hash.hex()]
  }

  #fail(product: Product, reason: string): void {
    this.#transfers[product.filename] = { state: 'failed', reason }
  }
}

function reasonOf(failure: unknown): string {
  if (failure instanceof ApiError) {
    const { message, release } = failure.body
    return release && failure.status === 403 ? `Exclusive to its programme until ${utc(release, 'day')}` : message
  }
  if (failure instanceof ServerLostError || failure instanceof TypeError) return 'The connection broke. Try again.'
  return String(failure)
}

function save(href: string, filename: string): void {
  const link = document.createElement('a')
  link.href = href
  link.download = filename
  link.click()
}

export const downloads = new Downloads()
