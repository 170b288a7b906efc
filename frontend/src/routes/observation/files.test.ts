import { expect, test } from 'vitest'
import type { Product } from '$lib/api/types'
import { asText, flattened, matching, type Card } from './cards'
import { RECOMMENDED, chooseProducts, curlScript, ordered, parseOrder, pictures, totalSize, valuesOf, type Choice } from './files'

function product(filename: string, changes: Partial<Product> = {}): Product {
  return {
    filename,
    uri: `mast:JWST/product/${filename}`,
    obs_id: 'jw1',
    suffix: 'cal',
    extension: 'fits',
    product_type: 'SCIENCE',
    product_group: null,
    calib_level: 2,
    description: '',
    detector: null,
    content_type: 'application/fits',
    size: '10',
    sha256: 'a'.repeat(64),
    version: 1,
    created: null,
    release: null,
    access: 'PUBLIC',
    has_preview: false,
    relation: null,
    url: `/products/${filename}`,
    preview_url: null,
    ...changes,
  }
}
const ANY: Choice = { everything: false, product_type: null, calib_level: null, suffix: null, text: '' }
const names = (products: Product[]): string[] => products.map((item) => item.filename)

test('recommended products are listed first, everything when asked or when nothing is recommended', () => {
  const all = [product('a', { product_group: RECOMMENDED }), product('b')]
  expect(names(chooseProducts(all, ANY))).toEqual(['a'])
  expect(names(chooseProducts(all, { ...ANY, everything: true }))).toEqual(['a', 'b'])
  expect(names(chooseProducts([product('b')], ANY))).toEqual(['b'])
})

test('filters narrow by type, level, suffix and words', () => {
  const all = [product('a_i2d', { suffix: 'i2d', calib_level: 3 }), product('b', { product_type: 'AUXILIARY', description: 'Association' })]
  expect(names(chooseProducts(all, { ...ANY, suffix: 'i2d' }))).toEqual(['a_i2d'])
  expect(names(chooseProducts(all, { ...ANY, calib_level: '2' }))).toEqual(['b'])
  expect(names(chooseProducts(all, { ...ANY, text: 'ASSOC' }))).toEqual(['b'])
  expect(valuesOf(all, 'product_type')).toEqual([['AUXILIARY', 1], ['SCIENCE', 1]])
})

test('sizes beyond 2^53 are ordered and added exactly', () => {
  const all = [product('a', { size: '9007199254740993' }), product('b', { size: '9007199254740992' })]
  expect(names(ordered(all, parseOrder('size')))).toEqual(['b', 'a'])
  expect(names(ordered(all, parseOrder('-size')))).toEqual(['a', 'b'])
  expect(totalSize(all)).toBe('18014398509481985')
  expect(parseOrder('drop table')).toEqual({ column: 'filename', descending: false })
})

test('the script fetches and verifies every product', () => {
  const script = curlScript([product('a.fits')], 'http://here')
  expect(script).toContain("curl -fL -C - -O 'http://here/products/a.fits'")
  expect(script).toContain(`${'a'.repeat(64)}  a.fits`)
  expect(curlScript([], 'http://here')).toBe('')
})

test('the picture of the observation comes first, then science of the highest level; linked products are left out', () => {
  const all = [
    product('cal', { has_preview: true }),
    product('i2d', { has_preview: true, calib_level: 3 }),
    product('segm', { has_preview: true, product_type: 'AUXILIARY', calib_level: 3 }),
    product('member', { has_preview: true, relation: 'member' }),
    product('none'),
  ]
  expect(names(pictures(all, null))).toEqual(['i2d', 'cal', 'segm'])
  expect(names(pictures(all, 'segm'))).toEqual(['segm', 'i2d', 'cal'])
})

test('cards are found by all words in any part, and copied as they stand', () => {
  const cards: Card[] = [['FILTER', 'F187N', 'element of the filter wheel'], ['ZEROFRAM', false, ''], ['RA_REF', 159.11283746512345, '[deg]']]
  expect(matching(cards, 'filter f187')).toEqual([cards[0]])
  expect(matching(cards, 'nothing')).toEqual([])
  expect(asText(cards)).toBe('FILTER = F187N / element of the filter wheel\nZEROFRAM = F\nRA_REF = 159.11283746512345 / [deg]')
})

test('a document becomes rows by path', () => {
  expect(flattened({ asn: { id: 'o001', members: [{ expname: 'a' }, { expname: 'b' }] }, list: [1, 2] })).toEqual([
    ['asn.id', 'o001', ''],
    ['asn.members[0].expname', 'a', ''],
    ['asn.members[1].expname', 'b', ''],
    ['list', '1, 2', ''],
  ])
})
