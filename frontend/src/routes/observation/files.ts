/** Choosing and ordering the products of an observation. */
import type { Product } from '$lib/api/types'

export const RECOMMENDED = 'Minimum Recommended Products'

export type FileColumn = 'filename' | 'product_type' | 'calib_level' | 'suffix' | 'size' | 'created' | 'description'

export interface Choice {
  /** Everything, or only what is recommended (everything too where nothing is). */
  everything: boolean
  product_type: string | null
  calib_level: string | null
  suffix: string | null
  /** Part of the file name or of the description. */
  text: string
}

export interface Order {
  column: FileColumn
  descending: boolean
}

export const UNORDERED: Order = { column: 'filename', descending: false }

export function parseOrder(text: string | null): Order {
  const match = /^(-?)(filename|product_type|calib_level|suffix|size|created|description)$/.exec(text ?? '')
  return match ? { column: match[2] as FileColumn, descending: match[1] === '-' } : UNORDERED
}

export function isRecommended(product: Product): boolean {
  return product.product_group === RECOMMENDED
}

export function chooseProducts(products: readonly Product[], choice: Choice): Product[] {
  const some = products.some(isRecommended)
  const wanted = choice.text.trim().toLowerCase()
  return products.filter(
    (product) =>
      (choice.everything || !some || isRecommended(product)) &&
      (choice.product_type === null || product.product_type === choice.product_type) &&
      (choice.calib_level === null || String(product.calib_level) === choice.calib_level) &&
      (choice.suffix === null || product.suffix === choice.suffix) &&
      `${product.filename} ${product.description}`.toLowerCase().includes(wanted),
  )
}

export function ordered(products: readonly Product[], { column, descending }: Order): Product[] {
  const sign = descending ? -1 : 1
  return [...products].sort((a, b) => sign * compare(a, b, column) || (a.filename < b.filename ? -1 : 1))
}

function compare(a: Product, b: Product, column: FileColumn): number {
  if (column === 'size') return Math.sign(Number(BigInt(a.size) - BigInt(b.size)))
  const [x, y] = [a[column], b[column]]
  if (x === y) return 0
  if (x === null || y === null) return x === null ? 1 : -1
  return x < y ? -1 : 1
}

/** Sum of exact sizes. */
export function totalSize(products: readonly Product[]): string {
  return products.reduce((sum, product) => sum + BigInt(product.size), 0n).toString()
}

/** Values of a column with their counts, most frequent first. */
export function valuesOf(products: readonly Product[], column: 'product_type' | 'calib_level' | 'suffix'): [string, number][] {
  const counts = new Map<string, number>()
  for (const product of products) {
    const value = product[column]
    if (value !== null) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

/** A shell script that fetches products, resuming what was begun, and checks their SHA-256. */
export function curlScript(products: readonly Product[], origin: string): string {
  if (!products.length) return ''
  const fetches = products.map((product) => `curl -fL -C - -O '${origin}${product.url}'`)
  const sums = products.map((product) => `${product.sha256}  ${product.filename}`)
  return [...fetches, "sha256sum -c - <<'END'", ...sums, 'END'].join('\n')
}

/** The product whose picture stands for the observation, and the others with pictures: science first, highest level first. */
export function pictures(products: readonly Product[], preferred: string | null): Product[] {
  const rank = (product: Product): number =>
    (product.filename === preferred ? -100 : 0) +
    (product.product_type === 'SCIENCE' ? 0 : 10) -
    (product.calib_level ?? 0)
  return products
    .filter((product) => product.has_preview && product.relation === null)
    .sort((a, b) => rank(a) - rank(b) || (a.filename < b.filename ? -1 : 1))
}
