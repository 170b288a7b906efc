import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../api/client'
import type { Product } from '../api/types'
import { complaint, fetchProduct, type Download } from './download.svelte'

const bytes = new Uint8Array(100_000).map((_, i) => i % 251)
const sha256 = createHash('sha256').update(bytes).digest('hex')
const product = { filename: 'a.fits', url: '/products/a.fits', size: '100000', sha256, content_type: 'image/fits' } as Product

function answering(body: BodyInit, status = 200): void {
  vi.stubGlobal('fetch', async () => new Response(body, { status }))
}
afterEach(() => vi.unstubAllGlobals())

async function run(wanted: Product): Promise<[Blob, Download[]]> {
  const told: Download[] = []
  return [await fetchProduct(wanted, (download) => told.push(download), new AbortController().signal), told]
}

describe('a download', () => {
  it('tells its progress and is verified', async () => {
    answering(
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 25_000) controller.enqueue(bytes.slice(at, at + 25_000))
          controller.close()
        },
      }),
    )
    const [blob, told] = await run(product)
    expect(told.filter((download) => download.state === 'running').map((download) => download.percent)).toEqual([0, 25, 50, 75, 100])
    expect(told.at(-1)).toEqual({ state: 'verified' })
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes)
  })

  it('is verified also where the browser offers no digest', async () => {
    answering(bytes.slice())
    vi.stubGlobal('crypto', {})
    expect((await run(product))[1].at(-1)).toEqual({ state: 'verified' })
  })

  it('is refused when one byte differs', async () => {
    const wrong = bytes.slice()
    wrong[77_777]! ^= 1
    answering(wrong)
    await expect(run(product)).rejects.toThrow('SHA-256')
  })

  it('is refused when bytes are missing or too many', async () => {
    answering(bytes.slice(0, 99_999))
    await expect(run(product)).rejects.toThrow('only 99999 of 100000')
    answering(new Uint8Array(100_001))
    await expect(run(product)).rejects.toThrow('more bytes')
  })

  it('says until when a product is exclusive', async () => {
    answering(JSON.stringify({ error: { type: 'exclusive_access', message: 'no', release: '2026-12-01T00:00:00Z' } }), 403)
    const failure = await run(product).catch((reason: unknown) => reason)
    expect(failure).toBeInstanceOf(ApiError)
    expect(complaint(failure)).toBe('exclusive access until 2026-12-01')
  })
})
