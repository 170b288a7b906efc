/** Rows of a query as the sky view draws them; a row is known by its number. */
import type { Footprints } from '../sky/footprints'
import { places, written, type Field, type Value } from './answer'

/** The rows that can be drawn, or null where no column says where they lie. */
export function footprintsOf(columns: readonly Field[], data: readonly Value[][]): Footprints | null {
  const place = places(columns)
  if (!place) return null
  const at = (name: string) => columns.findIndex((field) => field.name.toLowerCase() === name)
  const [name, instrument, level] = [at('obs_id'), at('instrument_name'), at('calib_level')]
  const number = (row: Value[], column: number) => (column < 0 || row[column] === null ? null : Number(row[column]))
  return {
    obs_number: data.map((_, row) => String(row)),
    obs_id: data.map((row, i) => (name < 0 ? `Row ${i + 1}` : written(row[name]))),
    instrument_name: data.map((row) => (instrument < 0 ? null : written(row[instrument]))),
    calib_level: data.map((row) => number(row, level)),
    s_ra: data.map((row) => number(row, place.ra)),
    s_dec: data.map((row) => number(row, place.dec)),
    s_region: data.map((row) => (place.region < 0 || row[place.region] === null ? null : written(row[place.region]))),
  }
}
