/** The facts of an observation in the order in which one asks for them. */
import type { Cell } from '$lib/api/types'
import { position, type CoordinateStyle } from '$lib/format/angles'
import { instrument } from '$lib/format/names'
import { count, figure, size, wavelength } from '$lib/format/numbers'
import { isoFromMjd, utc, utcFromMjd } from '$lib/format/times'

export interface Fact {
  label: string
  value: string
  /** What lands on the clipboard: the value at full precision. */
  exact?: string
  href?: string
}

type Row = Readonly<Record<string, Cell>>

function textOf(row: Row, name: string): string | null {
  const value = row[name]
  return value === null || value === undefined || value === '' ? null : String(value)
}

function numberOf(row: Row, name: string): number | null {
  const value = row[name]
  return typeof value === 'number' ? value : null
}

function joined(...parts: (string | null)[]): string {
  return parts.filter((part) => part !== null).join(' · ')
}

function search(column: string, value: string): string {
  return `/?${new URLSearchParams({ [column]: value }).toString()}`
}

export function factsOf(row: Row, style: CoordinateStyle): Fact[] {
  const facts = [target(row), place(row, style), ...programme(row), ...when(row), ...how(row), ...made(row)]
  return facts.filter((fact): fact is Fact => fact !== null && fact.value !== '')
}

function target(row: Row): Fact | null {
  const name = textOf(row, 'target_name')
  if (!name) return null
  const standard = textOf(row, 'target_standard_name')
  const moving = row['moving_target'] === true ? 'moving' : null
  return { label: 'Target', value: joined(name, standard === name ? null : standard, moving), href: search('target_name', name) }
}

function place(row: Row, style: CoordinateStyle): Fact | null {
  const [ra, dec] = [numberOf(row, 's_ra'), numberOf(row, 's_dec')]
  if (ra === null || dec === null) return null
  return { label: 'Position', value: position(ra, dec, style), exact: `${ra} ${dec}` }
}

function programme(row: Row): (Fact | null)[] {
  const id = textOf(row, 'proposal_id')
  const title = textOf(row, 'proposal_title')
  return [
    id ? { label: 'Programme', value: joined(id, textOf(row, 'proposal_pi')), exact: id, href: search('proposal_id', id) } : null,
    title ? { label: 'Title', value: title } : null,
  ]
}

function when(row: Row): (Fact | null)[] {
  const [start, end, exposure] = [numberOf(row, 't_min'), numberOf(row, 't_max'), numberOf(row, 't_exptime')]
  const from = start === null ? null : utcFromMjd(start)
  const to = end === null ? null : utcFromMjd(end)
  const until = to && from && to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to
  return [
    start !== null && from
      ? { label: 'Observed', value: `${from}${until && until !== from ? ` – ${until}` : ''} UT`, exact: isoFromMjd(start) }
      : null,
    exposure === null ? null : { label: 'Exposure', value: `${figure(exposure)} s`, exact: String(exposure) },
  ]
}

function how(row: Row): (Fact | null)[] {
  const name = textOf(row, 'instrument_name')
  const mode = textOf(row, 'instrument_mode')?.split('/')[1] ?? null
  const filters = textOf(row, 'filters')
  const [shortest, longest] = [numberOf(row, 'em_min'), numberOf(row, 'em_max')]
  const range = shortest !== null && longest !== null ? `${wavelength(shortest).replace(' µm', '')} – ${wavelength(longest)}` : null
  const scale = numberOf(row, 's_pixel_scale')
  return [
    name ? { label: 'Instrument', value: joined(instrument(name), mode, textOf(row, 'detector')) } : null,
    filters || range ? { label: 'Filter', value: joined(filters, range) } : null,
    { label: 'Mode', value: joined(textOf(row, 'exp_type'), textOf(row, 'subarray'), scale === null ? null : `${figure(scale, 4)}″/px`) },
  ]
}

function made(row: Row): (Fact | null)[] {
  const released = textOf(row, 'data_release')
  const archived = textOf(row, 'archived_at')
  const bytes = textOf(row, 'access_estsize')
  const products = textOf(row, 'n_products')
  return [
    { label: 'Pipeline', value: joined(textOf(row, 'cal_ver'), textOf(row, 'crds_ctx')) },
    released ? { label: 'Public from', value: `${utc(released, 'minute')} UT`, exact: released } : null,
    archived ? { label: 'Archived', value: `${utc(archived, 'minute')} UT`, exact: archived } : null,
    products ? { label: 'Products', value: joined(count(products), bytes ? `${size(bytes)} recommended` : null) } : null,
  ]
}
