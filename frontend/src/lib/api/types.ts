/** What the portal reads of `/api/v1`. 64-bit numbers are text, times ISO 8601 UTC, angles ICRS degrees. */

export type Cell = string | number | boolean | null

export interface Resolved {
  name: string
  ra: number
  dec: number
  /** `coordinates`, `target`, `region` … */
  kind: string
  radius?: number | null
}

/** A page of observations, column by column. */
export interface Page {
  snapshot: string
  total: number
  elapsed_ms: number
  columns: string[]
  data: Record<string, Cell[]>
  /** Cursor of the page after this one; null at the end. */
  next: string | null
  resolved: Resolved | null
}

export interface CategoryFacet {
  column: string
  kind: 'category'
  /** `count` under all other filters, `ghost` under position and text alone. */
  values: { value: string | number | boolean | null; count: number; ghost: number }[]
  /** How many further values the answer leaves out. */
  more: number
}

export interface RangeFacet {
  column: string
  kind: 'number' | 'time'
  scale?: 'linear' | 'log'
  unit?: string | null
  /** Bin edges, one more than bins; times in MJD (UTC). */
  edges: number[]
  counts: number[]
  ghost: number[]
  nulls: number
  min: number | null
  max: number | null
}

export type Facet = CategoryFacet | RangeFacet

export interface FacetAnswer {
  snapshot: string
  total: number
  /** Observations in the whole archive. */
  all: number
  elapsed_ms: number
  facets: Facet[]
}

export interface FootprintAnswer {
  snapshot: string
  total: number
  truncated: boolean
  data: {
    obs_number: string[]
    obs_id: string[]
    instrument_name: (string | null)[]
    calib_level: (number | null)[]
    s_ra: (number | null)[]
    s_dec: (number | null)[]
    s_region: (string | null)[]
  }
}

export interface ObservationRecord {
  observation: Record<string, Cell>
  planes: Record<string, unknown>[]
  members: string[]
  part_of: string[]
  origin: Record<string, unknown>
  notes: string[]
  access: { rights: 'PUBLIC' | 'EXCLUSIVE_ACCESS'; release: string | null }
}

export interface Product {
  filename: string
  uri: string
  suffix: string | null
  extension: string
  product_type: string
  product_group: string | null
  calib_level: number | null
  description: string
  detector: string | null
  content_type: string
  size: string
  sha256: string
  version: number
  created: string | null
  release: string | null
  access: 'PUBLIC' | 'EXCLUSIVE_ACCESS'
  has_preview: boolean
  obs_id: string
  relation: string | null
  url: string
  preview_url: string | null
}

export interface ProductList {
  obs_id: string
  recommended: boolean
  total_size: string
  products: Product[]
}

export interface PreviewNote {
  caption: string
  orientation: string
  width: number
  height: number
}

export interface ColumnDescription {
  name: string
  caption: string
  type: string
  unit: string | null
  ucd: string | null
  description: string
  facet: 'category' | 'number' | 'time' | null
  scale: 'linear' | 'log' | null
  shown: boolean
  searchable: boolean
}

export interface Suggestion {
  kind: 'target' | 'programme' | 'observation' | 'file'
  value: string
  count: number
}

export interface Status {
  name: string
  version: string
  snapshot: string
  observations: number
  products: number
  size: string
  replica: { state: 'ready' | 'rebuilding'; percent: number | null }
}

/** The one shape of every error the server tells. */
export interface ErrorBody {
  type: string
  message: string
  field?: string | null
  value?: string | null
  expected?: string | null
  closest?: string | string[] | null
  release?: string | null
}
