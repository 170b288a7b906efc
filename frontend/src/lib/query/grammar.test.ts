import { describe, expect, it } from 'vitest'
import { escape, excluded, items, parse, range, toggled, unescape, write } from './grammar'

describe('the value grammar', () => {
  it('reads lists, ranges and open ranges', () => {
    expect(parse('NIRCAM,MIRI')).toEqual({ kind: 'any', items: ['NIRCAM', 'MIRI'] })
    expect(parse('100..2000')).toEqual({ kind: 'range', low: '100', high: '2000' })
    expect(range('..2025-09-01')).toMatchObject({ low: null, high: '2025-09-01' })
    expect(range('90..')).toMatchObject({ low: '90', high: null })
  })

  it('takes several ranges for alternatives', () => {
    expect(parse('1..2,5..6')).toEqual({ kind: 'any', items: ['1..2', '5..6'] })
  })

  it.each(['plain', 'a,b', 'F444W*', 'a..b', '!not', 'null', 'back\\slash', 'mid!dle', '', '..', 'Müller, K.'])(
    'writes the literal %j so that it is read back as itself',
    (literal) => {
      const written = escape(literal)
      expect(unescape(written)).toBe(literal)
      const read = parse(written)
      expect(read.kind).toBe('any')
      if (literal !== '') expect(read).toEqual({ kind: 'any', items: [written] })
    },
  )

  it('tells a missing value from the word null', () => {
    expect(escape(null)).toBe('null')
    expect(escape('null')).not.toBe('null')
  })

  it('adds and takes away one value, and leaves no empty filter', () => {
    const one = toggled(undefined, 'NIRCAM')
    const two = toggled(one, 'a,b')
    expect(two).toBe('NIRCAM,a\\,b')
    expect(items(two).map(unescape)).toEqual(['NIRCAM', 'a,b'])
    expect(toggled(toggled(two, 'NIRCAM'), 'a,b')).toBeUndefined()
  })

  it('replaces a range by a list when a value is picked', () => {
    expect(toggled('1..3', 2)).toBe('2')
  })

  it('writes what it read', () => {
    for (const text of ['a,b', '1..', '..2', 'a\\,b,c']) expect(write(parse(text))).toBe(text)
  })

  it('leaves a value out instead of asking for it, and back', () => {
    const without = excluded('NIRCAM,MIRI', 'MIRI')
    expect(without).toBe('NIRCAM,!MIRI')
    expect(excluded(without, 'MIRI')).toBe('NIRCAM')
    expect(toggled(without, 'MIRI')).toBe('NIRCAM,MIRI')
    expect(excluded('!MIRI', 'MIRI')).toBeUndefined()
  })
})
