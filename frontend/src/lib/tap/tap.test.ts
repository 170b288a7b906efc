import { describe, expect, it } from 'vitest'
import { places, readAnswer, sorted, written, type Field } from './answer'
import { figureOf } from './figure'
import { footprintsOf } from './sky'
import { placeOf } from './client'
import { LONGEST_QUERY, NOTHING, parseView, writeView } from './view'

const field = (name: string, more: Partial<Field> = {}): Field => ({ name, datatype: 'double', ...more })

describe('an answer of TAP', () => {
  it('keeps every digit of a 64-bit integer', () => {
    const { data } = readAnswer('{"columns":[],"info":{},"data":[[9223372036854775807,-9007199254740993,1.25,0.1234567890123456789,"a,9223372036854775807]\\""]],"status":"OK","rows":1}')
    expect(data[0]!.map(written)).toEqual(['9223372036854775807', '-9007199254740993', '1.25', '0.12345678901234568', 'a,9223372036854775807]"'])
  })

  it('is sorted by value, long integers too, with empty cells last in either direction', () => {
    const data = [['b', null], ['a', 10], ['c', '9223372036854775807'], ['d', '1000000000000000000']].map(([x, y]) => [x!, y!])
    expect([...sorted(data, 1, false)]).toEqual([1, 3, 2, 0])
    expect([...sorted(data, 1, true)]).toEqual([2, 3, 1, 0])
    expect([...sorted(data, 0, true)]).toEqual([3, 2, 0, 1])
  })

  it('lies on the sky where its columns mean a position', () => {
    expect(places([field('x'), field('b', { ucd: 'pos.eq.dec;meta.main' }), field('a', { ucd: 'pos.eq.ra' })])).toEqual({ ra: 2, dec: 1, region: -1 })
    expect(places([field('RA'), field('Dec')])).toEqual({ ra: 0, dec: 1, region: -1 })
    expect(places([field('footprint', { datatype: 'char', xtype: 'adql:REGION' })])).toEqual({ ra: -1, dec: -1, region: 0 })
    expect(places([field('count')])).toBeNull()
    const drawn = footprintsOf([field('ra'), field('dec'), field('obs_id', { datatype: 'char' })], [[1, 2, 'jw1'], [null, null, 'jw2']])!
    expect(drawn).toMatchObject({ obs_number: ['0', '1'], obs_id: ['jw1', 'jw2'], s_ra: [1, null], s_region: [null, null] })
  })

  it('becomes a plot of two columns that leaves out what has no place', () => {
    const columns = [field('t'), field('filter', { datatype: 'char' })]
    const data = [[1, 'F200W'], [100, 'F444W'], [-3, 'F444W'], [null, 'F200W']]
    const figure = figureOf(columns, data, { x: 't', y: 'filter', logX: true, logY: false })
    expect(figure.points!.obs_number).toEqual(['0', '1'])
    expect(figure.x).toMatchObject({ kind: 'number', scale: 'log' })
    expect(figure.x.edges[0]).toBeLessThan(1)
    expect(figure.x.edges[1]).toBeGreaterThan(100)
    expect(figure.y.lanes).toEqual(['F200W', 'F444W'])
  })
})

it('finds the place that an error names', () => {
  expect(placeOf("QUERY, line 2, column 8: 'obs_ix' is not valid; expected a column")).toEqual({ line: 2, column: 8, message: "'obs_ix' is not valid; expected a column" })
  expect(placeOf('the query takes longer than 60 s')).toBeNull()
})

describe('the address of the page', () => {
  it('comes back as it was', () => {
    const view = { ...NOTHING, query: 'SELECT *\nFROM a WHERE b = \'+&\'', maxrec: 1000, snapshot: '12', tab: 'plot' as const, x: 'a', y: 'b', job: 'j' }
    expect(parseView(writeView(view).slice('/adql'.length))).toEqual(view)
    expect(writeView(NOTHING)).toBe('/adql')
  })

  it('takes nonsense for the usual, and leaves out a query that no proxy passes on', () => {
    expect(parseView('?maxrec=1e99&tab=x')).toEqual(NOTHING)
    expect(writeView({ ...NOTHING, query: 'x'.repeat(LONGEST_QUERY + 1) })).toBe('/adql')
  })
})
