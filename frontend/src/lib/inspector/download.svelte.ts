/** Downloads with progress, each checked against the SHA-256 that the archive lists. */
import { ApiError, refusal } from '../api/client'
import type { Product } from '../api/types'
import { Sha256 } from '../checksum/sha256'
import { utc } from '../format/times'

export type Download =
  | { state: 'running'; percent: number }
  | { state: 'checking' }
  | { state: 'verified' }
  /** Handed to the browser, too large to be checked by a page. */
  | { state: 'saved'; note: string }
  | { state: 'failed'; note: string }

/** Larger files are left to the browser, which writes them to disk as they come; bytes. */
export const LARGEST_IN_MEMORY = 1_000_000_000

export type Progress = (download: Download) => void

/** Fetch a product, telling how far it is, and hand its bytes to the browser once they are what the archive lists. */
export async function fetchProduct(product: Product, tell: Progress, signal: AbortSignal): Promise<Blob> {
  const length = Number(product.size)
  tell({ state: 'running', percent: 0 })
  const response = await fetch(product.url, { signal })
  if (!response.ok) throw await refusal(response)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) break
    if (at + value.length > length) throw new Error('the server sent more bytes than it lists')
    bytes.set(value, at)
    at += value.length
    tell({ state: 'running', percent: length ? Math.floor((100 * at) / length) : 100 })
  }
  if (at !== length) throw new Error(`only ${at} of ${length} bytes arrived`)
  tell({ state: 'checking' })
  const blob = new Blob([bytes], { type: product.content_type })
  const sum = await sha256(bytes)
  if (sum !== product.sha256) throw new Error(`the bytes have SHA-256 ${sum.slice(0, 8)}…, the archive lists ${product.sha256.slice(0, 8)}…`)
  tell({ state: 'verified' })
  return blob
}

/** Browsers compute sums themselves on https and localhost only; elsewhere we do. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) return new Sha256().update(bytes).hex()
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What went wrong with a download, in words. */
export function complaint(failure: unknown): string {
  if (failure instanceof ApiError) {
    const { type, release } = failure.body
    if (type === 'exclusive_access' && release) return `exclusive access until ${utc(release, 'day')}`
    return failure.message
  }
  return failure instanceof Error ? failure.message : String(failure)
}

class Downloads {
  /** By file name; kept while the page lives, so that a row seen again tells the same. */
  readonly byName: Record<string, Download> = $state({})
  readonly #running = new Map<string, AbortController>()

  async start(product: Product): Promise<void> {
    const { filename } = product
    if (this.#running.has(filename)) return
    if (Number(product.size) > LARGEST_IN_MEMORY) {
      hand(product.url, filename)
      this.byName[filename] = { state: 'saved', note: `handed to the browser; SHA-256 ${product.sha256}` }
      return
    }
    const controller = new AbortController()
    this.#running.set(filename, controller)
    try {
      const blob = await fetchProduct(product, (download) => (this.byName[filename] = download), controller.signal)
      const address = URL.createObjectURL(blob)
      hand(address, filename)
      setTimeout(() => URL.revokeObjectURL(address), 60_000)
    } catch (failure) {
      if (controller.signal.aborted) delete this.byName[filename]
      else this.byName[filename] = { state: 'failed', note: complaint(failure) }
    } finally {
      this.#running.delete(filename)
    }
  }

  cancel(filename: string): void {
    this.#running.get(filename)?.abort()
  }
}

function hand(address: string, filename: string): void {
  const link = document.createElement('a')
  link.href = address
  link.download = filename
  link.click()
}

export const downloads = new Downloads()
