import { expect, test } from 'vitest'
import { Sha256 } from './sha256'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('the digests of the standard', () => {
  expect(new Sha256().hex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(new Sha256().update(bytes('abc')).hex()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('pieces of any length give the digest of the whole', async () => {
  const whole = Uint8Array.from({ length: 5000 }, (_, i) => (i * 73) % 251)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
  const expected = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  for (const piece of [1, 55, 63, 64, 65, 119, 1000, 5000]) {
    const hash = new Sha256()
    for (let start = 0; start < whole.length; start += piece) hash.update(whole.subarray(start, start + piece))
    expect(hash.hex(), `pieces of ${piece}`).toBe(expected)
  }
})
