/** The filters of the portal, from top to bottom: the usual ones, or those that a person chose. */
import type { ColumnDescription } from '../api/types'
import type { Query } from '../query/query'
import type { Reading } from './scale'

export interface ShownFacet {
  column: string
  caption: string
  reading: Reading
}

const USUAL: readonly { column: string; caption: string; reading?: Reading }[] = [
  { column: 'instrument_name', caption: 'Instrument' },
  { column: 'em', caption: 'Wavelength', reading: 'wavelength' },
  { column: 't_min', caption: 'Observed', reading: 'time' },
  { column: 't_exptime', caption: 'Exposure time', reading: 'exposure' },
  { column: 'calib_level', caption: 'Product level' },
  { column: 'access', caption: 'Access' },
  { column: 'filters', caption: 'Filter' },
  { column: 'dataproduct_type', caption: 'Data type' },
]

/** What the panel offers that is no column of its own. */
export const DERIVED: readonly Pick<ColumnDescription, 'name' | 'caption' | 'description'>[] = [
  { name: 'em', caption: 'Wavelength', description: 'Wavelengths that an observation covers: it counts in every bin that it overlaps' },
  { name: 'access', caption: 'Access', description: 'Whether the data are public or under exclusive access now' },
]

export const usualFacets: readonly string[] = USUAL.map((facet) => facet.column)

/** Names of the facets in the panel. */
export function facetNames(query: Query): readonly string[] {
  return query.facets ?? usualFacets
}

/** A facet with its caption and with the way in which its values read. */
export function facetOf(name: string, columns: readonly ColumnDescription[]): ShownFacet {
  const usual = USUAL.find((facet) => facet.column === name)
  if (usual) return { reading: 'plain', ...usual }
  const column = columns.find((known) => known.name === name)
  if (!column) return { column: name, caption: name, reading: 'plain' }
  const reading = column.facet === 'time' || column.type === 'timestamp' ? 'time' : column.unit === 'm' ? 'wavelength' : column.unit === 's' ? 'exposure' : 'plain'
  const unit = reading === 'plain' && column.unit ? ` (${column.unit})` : ''
  return { column: name, caption: `${column.caption}${unit}`, reading }
}
