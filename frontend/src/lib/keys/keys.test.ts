import { expect, it } from 'vitest'
import { KeyReader } from './keys'

it('reads g e as one key, if it comes soon', () => {
  const reader = new KeyReader()
  expect(reader.read({ key: 'g', at: 0 })).toBeNull()
  expect(reader.read({ key: 'e', at: 500 })).toBe('explore')
  expect(reader.read({ key: 'e', at: 600 })).toBeNull()
  expect(reader.read({ key: 'g', at: 1000 })).toBeNull()
  expect(reader.read({ key: 'o', at: 9000 })).toBeNull()
})

it('forgets the g when another key comes between', () => {
  const reader = new KeyReader()
  reader.read({ key: 'g', at: 0 })
  expect(reader.read({ key: 'j', at: 10 })).toBe('next')
  expect(reader.read({ key: 'e', at: 20 })).toBeNull()
})
