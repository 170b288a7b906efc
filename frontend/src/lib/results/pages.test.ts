import { describe, expect, it } from 'vitest'
import type { Page } from '../api/types'
import { PAGE_ROWS, Pages, STRIDE } from './pages'

/** A server with `total` rows whose cursors are row numbers in disguise; it remembers what it was asked. */
function server(total: number) {
  const asked: Record<string, string>[] = []
  const fetch = (parameters: Record<string, string>, signal: AbortSignal): Promise<Page> => {
    asked.push(parameters)
    const from = parameters['after'] ? Number(parameters['after'].slice(1)) : 0
    const to = Math.min(total, from + Number(parameters['limit']))
    const columns = parameters['columns']!.split(',')
    const rows = Array.from({ length: to - from }, (_, i) => String(from + i))
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')))
      queueMicrotask(() =>
        resolve({
          snapshot: '7',
          total,
          elapsed_ms: 1,
          columns,
          data: Object.fromEntries(columns.map((name) => [name, rows])),
          next: to < total ? `c${to}` : null,
          resolved: null,
        }),
      )
    })
  }
  return { asked, fetch }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5))
const wanted = { search: { instrument_name: 'MIRI' }, columns: ['obs_number', 'obs_id'] }

function open(total: number) {
  const { asked, fetch } = server(total)
  const failures: unknown[] = []
  let arrivals = 0
  const pages = new Pages(wanted, fetch, () => arrivals++, (failure) => failures.push(failure))
  return { pages, asked, failures, arrivals: () => arrivals }
}

describe('pages of a search', () => {
  it('gives each row of the first page, and nothing that has not arrived', async () => {
    const { pages } = open(1000)
    pages.want(0, 20)
    expect(pages.cell(0, 'obs_id')).toBeUndefined()
    await settle()
    expect(pages.cell(17, 'obs_id')).toBe('17')
    expect(pages.cell(PAGE_ROWS, 'obs_id')).toBeUndefined()
    expect(pages.total).toBe(1000)
  })

  it('follows cursors to the next page and asks for no page twice', async () => {
    const { pages, asked } = open(1000)
    pages.want(0, 20)
    await settle()
    pages.want(90, 110)
    pages.want(95, 115)
    await settle()
    expect(pages.cell(105, 'obs_id')).toBe('105')
    expect(asked.map((parameters) => parameters['after'])).toEqual([undefined, 'c100'])
  })

  it('walks to a row far away in long strides of one narrow column', async () => {
    const { pages, asked } = open(50_000)
    const row = 2 * STRIDE + 432
    pages.want(row, row)
    await settle()
    expect(pages.cell(row, 'obs_id')).toBe(String(row))
    const strides = asked.filter((parameters) => parameters['columns'] === 'obs_number')
    expect(strides.map((parameters) => parameters['limit'])).toEqual(['1000', '1000', '400'])
  })

  it('remembers the way for the next walk', async () => {
    const { pages, asked } = open(50_000)
    pages.want(STRIDE, STRIDE)
    await settle()
    const before = asked.length
    pages.want(STRIDE + 250, STRIDE + 250)
    await settle()
    expect(asked.slice(before).map((parameters) => parameters['after'])).toEqual(['c1100', 'c1200'])
  })

  it('stops asking for what scrolled out before it came', async () => {
    const { pages, arrivals, failures } = open(1000)
    pages.want(0, 20)
    pages.want(500, 520)
    await settle()
    expect(pages.cell(0, 'obs_id')).toBeUndefined()
    expect(pages.cell(510, 'obs_id')).toBe('510')
    expect(arrivals()).toBe(1)
    expect(failures).toEqual([])
  })

  it('finds a loaded row by value', async () => {
    const { pages } = open(1000)
    pages.want(0, 150)
    await settle()
    expect(pages.find('obs_id', '42')).toBe(42)
    expect(pages.find('obs_id', '900')).toBeNull()
  })

  it('tells of a failure once, and tries again when asked', async () => {
    let fail = true
    const { fetch } = server(10)
    const failures: unknown[] = []
    const pages = new Pages(
      wanted,
      (parameters, signal) => (fail ? Promise.reject(new Error('down')) : fetch(parameters, signal)),
      () => undefined,
      (failure) => failures.push(failure),
    )
    pages.want(0, 5)
    await settle()
    expect(failures).toHaveLength(1)
    fail = false
    pages.want(0, 5)
    await settle()
    expect(pages.cell(3, 'obs_id')).toBe('3')
  })
})
