/** Which viewer shows which product. */
import type { Product } from '../api/types'
import type { Place } from './place'

export type Viewer = 'spectrum' | 'cube' | 'series' | 'table'
/** What every viewer is given: a product, the others of its observation, and the place that keeps what is chosen. */
export interface Viewed {
  product: Product
  products: readonly Product[]
  place: Place
}
export const VIEWER_NAMES: Record<Viewer, string> = { spectrum: 'Spectrum', cube: 'Cube', series: 'Time series', table: 'Table' }

const BY_SUFFIX: Record<string, Viewer> = {
  x1d: 'spectrum', c1d: 'spectrum', s1d: 'spectrum', spec: 'spectrum', s2d: 'spectrum', s3d: 'cube', x1dints: 'series',
  cat: 'table', whtlt: 'table', phot: 'table', msa: 'table', 'ami-oi': 'table', 'aminorm-oi': 'table', 'psf-ami-oi': 'table',
}

/** The viewer of a product; null where its picture is all there is to look at. */
export function viewerOf(product: Pick<Product, 'suffix' | 'extension'>): Viewer | null {
  return BY_SUFFIX[product.suffix ?? ''] ?? (product.extension === 'ecsv' ? 'table' : null)
}

/** Whether a viewer shows a product at first, or its picture does. */
export const isFirst = (viewer: Viewer | null, product: Pick<Product, 'suffix'>): boolean =>
  viewer !== null && (viewer !== 'table' || product.suffix !== 'cat')
