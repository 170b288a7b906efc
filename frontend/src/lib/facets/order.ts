/** The filters of the portal, from top to bottom. */
import type { Reading } from './scale'

export const FACETS: readonly { column: string; caption: string; reading?: Reading }[] = [
  { column: 'instrument_name', caption: 'Instrument' },
  { column: 'em', caption: 'Wavelength', reading: 'wavelength' },
  { column: 't_min', caption: 'Observed', reading: 'time' },
  { column: 't_exptime', caption: 'Exposure time', reading: 'exposure' },
  { column: 'calib_level', caption: 'Product level' },
  { column: 'access', caption: 'Access' },
  { column: 'filters', caption: 'Filter' },
  { column: 'dataproduct_type', caption: 'Data type' },
]

/** Filters that the panel shows, so that the search line need not. */
export const IN_PANEL: ReadonlySet<string> = new Set(FACETS.map((facet) => facet.column))
