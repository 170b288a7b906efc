import { describe, expect, it } from 'vitest'
import { readLine, readRadius } from './reading'

const COLUMNS = new Set(['t_exptime', 'proposal_pi', 'filters', 'detector'])
const read = (line: string) => readLine(line, COLUMNS)

describe('a line of search', () => {
  it.each(['2731', 'programme 2731', 'Program: 02731', 'proposal 2731'])('takes %j for a programme', (line) => {
    expect(read(line)).toEqual({ kind: 'filter', column: 'proposal_id', value: '2731' })
  })

  it.each(['10:37:18.8 -58:37:42', '10 37 18.8 −58 37 42', '159.32 -58.62', '10h37m18.8s -58d37m42s', '159.32, +58.62'])(
    'is certain that %j are coordinates',
    (text) => expect(read(text)).toEqual({ kind: 'place', text, radius: null, certain: true }),
  )

  it('takes a radius behind a place', () => {
    expect(read("NGC 3324 12'")).toEqual({ kind: 'place', text: 'NGC 3324', radius: "12'", certain: false })
    expect(read('159.32 -58.62 within 30″')).toEqual({ kind: 'place', text: '159.32 -58.62', radius: '30"', certain: true })
    expect(read('M 16 0.5 deg')).toEqual({ kind: 'place', text: 'M 16', radius: '0.5d', certain: false })
  })

  it('takes a radius alone', () => {
    expect(read("within 12'")).toEqual({ kind: 'radius', radius: "12'" })
  })

  it('knows regions by their word', () => {
    expect(read('circle 159.3 -58.6 0.1')).toMatchObject({ kind: 'place', certain: true })
    expect(read('POLYGON ICRS 1 2 3 4 5 6')).toMatchObject({ kind: 'place', certain: true })
  })

  it('filters by any column, or by the word people use for it', () => {
    expect(read('t_exptime: 100..2000')).toEqual({ kind: 'filter', column: 't_exptime', value: '100..2000' })
    expect(read('filter=F444W')).toEqual({ kind: 'filter', column: 'filters', value: 'F444W' })
    expect(read('PI: Rei*')).toEqual({ kind: 'filter', column: 'proposal_pi', value: 'Rei*' })
  })

  it('does not take any word with a colon for a column', () => {
    expect(read('note: nebula')).toEqual({ kind: 'words', text: 'note: nebula' })
  })

  it('knows names of observations and files', () => {
    expect(read('jw02731-o001_t017_nircam')).toEqual({ kind: 'name', text: 'jw02731-o001_t017_nircam' })
  })

  it('leaves the rest to the name resolver', () => {
    expect(read('NGC 3324')).toEqual({ kind: 'words', text: 'NGC 3324' })
    expect(read('  ')).toEqual({ kind: 'empty' })
  })
})

it('reads a radius as it is edited', () => {
  expect(readRadius('12′')).toBe("12'")
  expect(readRadius('0.2')).toBe('0.2')
  expect(readRadius('30 arcsec')).toBe('30"')
  expect(readRadius('wide')).toBeNull()
  expect(readRadius('0')).toBeNull()
})
