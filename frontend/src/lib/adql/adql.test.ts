import { ensureSyntaxTree } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { describe, expect, it } from 'vitest'
import { complete, written, type TableInfo } from './completion'
import { adql, RESERVED } from './language'
import { mark } from './marks'
import { isText, joint, sources } from './statement'

const TABLES: TableInfo[] = [
  {
    name: 'ivoa.ObsCore',
    description: 'Observations',
    columns: [
      { name: 'obs_id', datatype: 'char' },
      { name: 's_ra', unit: 'deg', datatype: 'double', description: 'Right ascension' },
    ],
  },
  { name: 'TAP_SCHEMA.columns', columns: [{ name: 'size', datatype: 'int' }, { name: 'table_name' }] },
]

/** The labels offered where | stands. */
function offered(text: string): string[] {
  const place = text.indexOf('|')
  return (complete(text.replace('|', ''), place, TABLES)?.options ?? []).map((option) => option.label)
}

/** The styles of the words of a text. */
function styles(text: string): Record<string, string> {
  const state = EditorState.create({ doc: text, extensions: [adql] })
  const found: Record<string, string> = {}
  ensureSyntaxTree(state, text.length, 1000)!.iterate({
    enter: (node) => {
      if (node.node.firstChild === null) found[text.slice(node.from, node.to)] = node.name
    },
  })
  return found
}

describe('highlighting', () => {
  it('tells words, functions, names, strings and comments apart', () => {
    const found = styles('SELECT TOP 5 abs(ra), f_x (1), "two words", \'it\'\'s\' FROM t -- remark')
    const of = (word: string) => found[word]
    expect(new Set([of('SELECT'), of('TOP'), of('FROM')]).size).toBe(1)
    expect(of('abs')).toBe(of('f_x'))
    expect(new Set([of('SELECT'), of('abs'), of('5'), of('"two words"'), of("'it''s'"), of('-- remark'), of('ra')]).size).toBe(7)
  })

  it('goes on with a string over lines', () => {
    const found = styles("SELECT 'a\nFROM' b")
    expect(found["FROM'"]).toBe(found["'a"])
  })
})

describe('the tables that a statement reads', () => {
  it.each([
    ['SELECT a FROM ivoa.ObsCore', [['ivoa.ObsCore', 'ObsCore']]],
    ['SELECT a FROM ivoa.ObsCore AS o, "my schema"."T" t WHERE x', [['ivoa.ObsCore', 'o'], ['my schema.T', 't']]],
    ['SELECT f(a, b), c FROM t JOIN u USING (a, b) LEFT JOIN v w ON w.a = 1', [['t', 't'], ['u', 'u'], ['v', 'w']]],
    ['SELECT a FROM (SELECT b FROM u) AS x, v', [['u', 'u'], ['v', 'v']]],
    ["SELECT a FROM t WHERE b = 'FROM x' -- FROM y", [['t', 't']]],
    ['SELECT a, FROM', []],
  ])('%s', (text, expected) => {
    expect(sources(text).map(({ table, alias }) => [table, alias])).toEqual(expected)
  })
})

describe('completion', () => {
  it('offers tables where a table is due, and nothing else', () => {
    expect(offered('SELECT a FROM |')).toEqual(['ivoa.ObsCore', 'TAP_SCHEMA.columns'])
    expect(offered('SELECT a, b FROM t JOIN iv|')).toEqual(['ivoa.ObsCore', 'TAP_SCHEMA.columns'])
    expect(offered('SELECT a FROM t, |')).toEqual(['ivoa.ObsCore', 'TAP_SCHEMA.columns'])
    expect(offered('SELECT a FROM ivoa.|')).toEqual(['ivoa.ObsCore'])
  })

  it('offers the columns of the tables that are read, wherever they stand in the text', () => {
    const found = offered('SELECT | FROM ivoa.obscore AS o')
    expect(found.slice(0, 3)).toEqual(['obs_id', 's_ra', 'o'])
    expect(found).toContain('CONTAINS')
    expect(found).not.toContain('size')
  })

  it('offers the columns of an alias alone', () => {
    expect(offered('SELECT o.| FROM ivoa.ObsCore o, TAP_SCHEMA.columns c')).toEqual(['obs_id', 's_ra'])
    expect(offered('SELECT c.s| FROM ivoa.ObsCore o, TAP_SCHEMA.columns c')).toEqual(['size', 'table_name'])
    expect(offered('SELECT x.| FROM ivoa.ObsCore o')).toEqual([])
  })

  it('is not misled by quotes and dots before the cursor', () => {
    const text = 'SELECT "size", o."s_ra", 1.5 FROM ivoa.ObsCore AS o\nWHRE 1=0.5 AND o.s|'
    expect(offered(text)).toEqual(['obs_id', 's_ra'])
    expect(complete(text.replace('|', ''), text.length - 1, TABLES)?.from).toBe(text.length - 2)
  })

  it('offers nothing inside strings and comments', () => {
    expect(offered("SELECT 'a|' FROM ivoa.ObsCore")).toEqual([])
    expect(offered('SELECT a -- s|')).toEqual([])
    expect(isText("SELECT 'a'", 10)).toBe(false)
  })

  it('writes names in quotes where ADQL asks for them', () => {
    expect(['s_ra', 'size', 'two words', '_a', 'a"b'].map(written)).toEqual(['s_ra', '"size"', '"two words"', '"_a"', '"a""b"'])
    const option = complete('SELECT  FROM TAP_SCHEMA.columns', 7, TABLES)!.options.find((each) => each.label === 'size')
    expect(option?.apply).toBe('"size"')
  })
})

describe('error marks', () => {
  const marked = (text: string, line: number, column: number) => {
    const { from, to } = mark(text, { message: 'wrong', line, column })
    return text.slice(from, to)
  }

  it('lie on the word that the server names', () => {
    expect(marked('SELECT a\nFRON t', 2, 1)).toBe('FRON')
    expect(marked('SELECT "a b" c', 1, 8)).toBe('"a b"')
    expect(marked('SELECT a <> b', 1, 10)).toBe('<>')
  })

  it('count characters as the server does', () => {
    expect(marked("SELECT '𝛼' || size FROM t", 1, 15)).toBe('size')
  })

  it('lie on the last character where the query ends too early, and never outside the text', () => {
    expect(marked('SELECT a FROM t WHERE \n', 2, 1)).toBe('E')
    expect(marked('', 1, 1)).toBe('')
    expect(marked('SELECT a', 9, 99)).toBe('a')
  })
})

it.each([
  ['SELECT', ' '],
  ['SELECT ', ''],
  ['SELECT obs_id', ', '],
  ['SELECT "size"', ', '],
  ['SELECT COUNT(*)', ', '],
  ['SELECT obs_id,', ''],
  ["WHERE a = 'b", ''],
])('puts a name behind %s with %j between', (before, between) => expect(joint(before, RESERVED)).toBe(between))
