import { expect, test } from 'vitest'
import { exploreAddress, inWords, newSince, parametersOf } from './searches'

const kept = { document: { search: ['instrument_name=NIRCAM&position=NGC+3324&sort=-t_min'] } }

test('a kept search is run where it was found', () => {
  expect(parametersOf(kept)).toEqual({ instrument_name: 'NIRCAM', position: 'NGC 3324', sort: '-t_min' })
  expect(exploreAddress(parametersOf(kept))).toBe('/?instrument_name=NIRCAM&position=NGC+3324&sort=-t_min')
  expect(exploreAddress(parametersOf({ document: {} }))).toBe('/')
  expect(parametersOf({ document: { search: 'text=a' } })).toEqual({ text: 'a' })
})

test('what is new is what came since, unless the search says itself when', () => {
  expect(newSince({ text: 'a' }, '2026-11-25T05:00:00.120Z')).toEqual({ text: 'a', archived_at: '2026-11-25T05:00:00.120..' })
  expect(newSince({ archived_at: '2026..' }, '2026-11-25T05:00:00Z')).toBeNull()
})

test('a search reads as its values', () => {
  expect(inWords({ position: 'NGC 3324', instrument_name: 'NIRCAM' })).toBe('NGC 3324 · instrument_name NIRCAM')
  expect(inWords({})).toBe('the whole archive')
})
