/** What became of the lines of a list, and what of it is shown. */
import type { Target, TargetCounts, TargetList } from '../api/types'
import { count } from '../format/numbers'

/** `matched` and `empty` are lines with a place, with and without observations. */
export type Outcome = 'matched' | 'empty' | 'ambiguous' | 'unresolved'
export const OUTCOMES: Record<Outcome, string> = { matched: 'With data', empty: 'No data', ambiguous: 'Ambiguous', unresolved: 'Unresolved' }

export interface Line {
  target: Target
  outcome: Outcome
  observations: number
}

export function lines(list: TargetList, counts: TargetCounts | null): Line[] {
  return list.targets.map((target, at) => {
    const observations = counts?.observations[at] ?? 0
    const outcome = target.status === 'resolved' ? (observations ? 'matched' : 'empty') : target.status
    return { target, outcome, observations }
  })
}

export function tally(of: readonly Line[]): Record<Outcome, number> {
  const found: Record<Outcome, number> = { matched: 0, empty: 0, ambiguous: 0, unresolved: 0 }
  for (const { outcome } of of) found[outcome]++
  return found
}

/** One sentence on what is missing, with the first line that needs care. */
export function summary(of: readonly Line[]): string {
  const { empty, ambiguous, unresolved } = tally(of)
  const parts: string[] = []
  if (empty) parts.push(`${count(empty)} ${empty === 1 ? 'has' : 'have'} no data`)
  if (ambiguous) parts.push(`${count(ambiguous)} may mean several places`)
  if (unresolved) parts.push(`${count(unresolved)} could not be resolved`)
  const first = of.find(({ outcome }) => outcome === 'unresolved') ?? of.find(({ outcome }) => outcome === 'ambiguous')
  const said = parts.length ? `${parts.join(', ')}.` : ''
  return first ? `${said} Line ${first.target.line}, ${first.target.text}: ${first.target.reason ?? ''}.` : said
}

/** What a list calls a target. */
export function called(target: Target): string {
  return target.label ?? target.text
}
