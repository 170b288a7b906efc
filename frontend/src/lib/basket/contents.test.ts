import { describe, expect, it } from 'vitest'
import { NOTHING, fromAddress, getCommand, joined, link, readContents, size, without } from './contents'

const held = { ...NOTHING, observation: ['jw1', 'jw2'], search: ["target_name=Barnard's Star&text=a b"] }

describe('a basket', () => {
  it('holds everything once', () => {
    const both = joined(held, { ...NOTHING, observation: ['jw2', 'jw3'] })
    expect(both.observation).toEqual(['jw1', 'jw2', 'jw3'])
    expect(size(both)).toBe(4)
    expect(without(both, 'observation', 'jw2').observation).toEqual(['jw1', 'jw3'])
  })
  it('travels in its link', () => {
    const address = link('https://archive.example', held)!
    expect(fromAddress(new URL(address).search)).toEqual(held)
  })
  it('that is too long has no link of its own', () => {
    const many = { ...NOTHING, product: Array.from({ length: 500 }, (_, n) => `jw01111001001_02101_${n}_nrcb1_cal.fits`) }
    expect(link('https://archive.example', many)).toBeNull()
  })
  it('is read from what was stored, whatever that is', () => {
    for (const odd of [null, 3, [], { observation: 3 }, { observation: [1, null] }]) expect(readContents(odd)).toEqual(NOTHING)
    expect(readContents({ observation: 'jw1' }).observation).toEqual(['jw1'])
  })
  it('becomes a command that a shell cannot misread', () => {
    const command = getCommand('https://archive.example', held, { suffix: 'cal', all: '1', layout: '' }, null)
    expect(command).toContain(`--search 'target_name=Barnard'\\''s Star&text=a b'`)
    expect(command).toContain(`'jw2' \\\n  --suffix 'cal' \\\n  --all`)
    expect(getCommand('https://a', held, {}, 'abc')).toBe(`deepfield get \\\n  --from 'https://a' \\\n  --basket 'abc'\n`)
  })
})
