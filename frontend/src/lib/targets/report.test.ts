import { describe, expect, it } from 'vitest'
import type { Target, TargetList } from '../api/types'
import { lines, summary, tally } from './report'

const target = (line: number, status: Target['status'], text = `t${line}`): Target => ({
  line, text, status, label: null, name: null, ra: null, dec: null, resolver: null, choices: [], closest: [],
  reason: status === 'resolved' ? null : 'declination 94.2 is out of range',
})
const list = (targets: Target[]): TargetList => ({ id: 'x', name: 'mine', created: '', expires: '', resolved: 0, ambiguous: 0, unresolved: 0, targets })

describe('the report on a list', () => {
  const mine = list([target(1, 'resolved'), target(3, 'resolved'), target(4, 'ambiguous'), target(88, 'unresolved', '10 94.2')])
  const counted = { id: 'x', matched: 1, observations: [7, 0, 0, 0] }

  it('tells lines with data from lines without', () => {
    expect(lines(mine, counted).map(({ outcome, observations }) => [outcome, observations])).toEqual([
      ['matched', 7], ['empty', 0], ['ambiguous', 0], ['unresolved', 0],
    ])
    expect(tally(lines(mine, counted))).toEqual({ matched: 1, empty: 1, ambiguous: 1, unresolved: 1 })
  })

  it('says what is missing, and the first line that needs care', () => {
    expect(summary(lines(mine, counted))).toBe(
      '1 has no data, 1 may mean several places, 1 could not be resolved. Line 88, 10 94.2: declination 94.2 is out of range.',
    )
    expect(summary(lines(list([target(1, 'resolved')]), { id: 'x', matched: 1, observations: [2] }))).toBe('')
  })
})
