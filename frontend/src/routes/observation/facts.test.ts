import { expect, test } from 'vitest'
import { factsOf } from './facts'
import { directionsOf, tip } from './orientation'

const ROW = {
  target_name: 'NGC-3324',
  target_standard_name: 'NGC 3324',
  s_ra: 159.12345678901235,
  s_dec: -58.5,
  proposal_id: '2731',
  proposal_pi: 'Pontoppidan, Klaus M.',
  t_min: 60746.4458,
  t_max: 60746.5,
  t_exptime: 11596.5,
  instrument_name: 'NIRCAM',
  instrument_mode: 'NIRCAM/IMAGE',
  filters: 'F187N',
  em_min: 1.862e-6,
  em_max: 1.886e-6,
  n_products: 12,
  access_estsize: '4100000000',
}

test('facts read as astronomers write them and copy at full precision', () => {
  const facts = new Map(factsOf(ROW, 'sexagesimal').map((fact) => [fact.label, fact]))
  expect(facts.get('Target')).toMatchObject({ value: 'NGC-3324 · NGC 3324', href: '/?target_name=NGC-3324' })
  expect(facts.get('Position')).toMatchObject({ value: '10:36:29.6 −58:30:00', exact: '159.12345678901235 -58.5' })
  expect(facts.get('Observed')?.value).toBe('2025-03-12 10:41 – 12:00 UT')
  expect(facts.get('Filter')?.value).toBe('F187N · 1.862 – 1.886 µm')
  expect(facts.get('Products')?.value).toBe('12 · 4.1 GB recommended')
})

test('what is not known is not listed', () => {
  const labels = factsOf({ target_name: null, s_ra: null, s_dec: null, t_min: null }, 'decimal').map((fact) => fact.label)
  expect(labels).toEqual([])
})

test('directions come out of the sentence of the preview, and only out of it', () => {
  expect(directionsOf('north 258.3° counter-clockwise from up, east left of north')).toEqual({ north: 258.3, eastIsLeft: true })
  expect(directionsOf('wavelength to the right')).toBeNull()
  const [x, y] = tip(90, 10)
  expect([x, y]).toEqual([-10, expect.closeTo(0)])
})
