import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { EMPTY, withFilters } from '../query/query'
import { curl, python, quoted, shellWord } from './script'

const query = withFilters({ ...EMPTY, position: "Barnard's star — β", radius: `12'` }, { filters: 'F444W,F470N', t_min: '..2025-09-01' })

describe('the query as a script', () => {
  it('is curl with every parameter of the query', () => {
    const script = curl('http://localhost:8000', query, ['obs_id', 't_min'])
    expect(script).toContain(`--data-urlencode 'position=Barnard'\\''s star — β'`)
    expect(script).toContain(`--data-urlencode 'radius=12'\\'''`)
    expect(script).toContain(`--data-urlencode 'columns=obs_id,t_min'`)
  })

  it('is Python that compiles', () => {
    const script = python('http://localhost:8000', query, ['obs_id'])
    expect(script).toContain('"filters": "F444W,F470N"')
    execFileSync('python3', ['-c', 'import sys; compile(sys.stdin.read(), "script", "exec")'], { input: script })
  })

  it('is a shell command with the words as they are', () => {
    const words = execFileSync('sh', ['-c', `printf %s ${shellWord(`a'b "$HOME" \\ c`)}`]).toString()
    expect(words).toBe(`a'b "$HOME" \\ c`)
  })

  it('quotes for Python what is not ASCII', () => {
    expect(quoted('β"\\')).toBe('"\\u03b2\\"\\\\"')
  })
})
