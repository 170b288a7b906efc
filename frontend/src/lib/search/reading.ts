/** What a line of text asks for, as far as its form tells. The server resolves names and coordinates. */
export type LineReading =
  | { kind: 'empty' }
  /** A position, a region or a target; `certain` when it cannot be anything else. */
  | { kind: 'place'; text: string; radius: string | null; certain: boolean }
  | { kind: 'radius'; radius: string }
  | { kind: 'filter'; column: string; value: string }
  /** Name, or the beginning of one, of an observation or a file. */
  | { kind: 'name'; text: string }
  | { kind: 'words'; text: string }

/** Words people use for a column. */
const ALIASES: Record<string, string> = {
  program: 'proposal_id',
  programme: 'proposal_id',
  proposal: 'proposal_id',
  pi: 'proposal_pi',
  title: 'proposal_title',
  target: 'target_name',
  instrument: 'instrument_name',
  mode: 'instrument_mode',
  filter: 'filters',
  level: 'calib_level',
  type: 'dataproduct_type',
  observation: 'obs_id',
  obs: 'obs_id',
  access: 'access',
}

const RADIUS = /^\d+(?:\.\d+)?\s*(?:°|['"′″]|d|deg|arcmin|arcsec)$/i

/** A radius as the server reads it. */
function radiusOf(text: string): string | null {
  const trimmed = text.trim()
  if (!RADIUS.test(trimmed)) return null
  return trimmed
    .replace(/\s+/g, '')
    .replace(/′|arcmin$/i, "'")
    .replace(/″|arcsec$/i, '"')
    .replace(/°|deg$/i, 'd')
}

export function readRadius(text: string): string | null {
  const trimmed = text.trim()
  return radiusOf(trimmed) ?? (/^\d+(?:\.\d+)?$/.test(trimmed) && Number(trimmed) > 0 ? trimmed : null)
}

/** Two numbers or two sexagesimal angles and nothing else. */
function isCoordinates(text: string): boolean {
  if (!/^[-+−\d.,:;\s°'"′″hmsd]+$/i.test(text)) return false
  const numbers = text.match(/\d+(?:\.\d+)?/g) ?? []
  return numbers.length === 2 || numbers.length === 4 || numbers.length === 6
}

/** A region in the words of DALI or STC-S; needs no resolving. */
export function isRegion(text: string): boolean {
  return /^(circle|polygon|box|point)\s+(icrs\s+)?[-+.\d]/i.test(text)
}

export function readLine(line: string, columns: ReadonlySet<string>): LineReading {
  const text = line.trim()
  if (!text) return { kind: 'empty' }

  const programme = /^(?:program(?:me)?|proposal|pid)\s*[:=]?\s*(\d{1,5})$/i.exec(text) ?? /^(\d{1,5})$/.exec(text)
  if (programme) return { kind: 'filter', column: 'proposal_id', value: String(Number(programme[1])) }

  const within = /^(?:within|radius)\s*[:=]?\s*(.+)$/i.exec(text)
  if (within) {
    const radius = readRadius(within[1]!)
    if (radius) return { kind: 'radius', radius }
  }

  if (isRegion(text)) return { kind: 'place', text, radius: null, certain: true }

  const keyed = /^([a-z_][a-z_0-9]*)\s*[:=]\s*(.+)$/i.exec(text)
  if (keyed) {
    const key = keyed[1]!.toLowerCase()
    if (key === 'position') return { kind: 'place', text: keyed[2]!, radius: null, certain: true }
    const column = columns.has(key) ? key : ALIASES[key]
    if (column) return { kind: 'filter', column, value: keyed[2]! }
  }

  if (/^jw\d{5}/i.test(text) && !/\s/.test(text)) return { kind: 'name', text }

  // The radius stands after the place: `NGC 3324 12'`.
  const parts = /^(.+?)\s+(?:within\s+)?(\S+|\d\S*\s+(?:deg|arcmin|arcsec))$/i.exec(text)
  const radius = parts ? radiusOf(parts[2]!) : null
  if (parts && radius) return { kind: 'place', text: parts[1]!, radius, certain: isCoordinates(parts[1]!) }

  if (isCoordinates(text)) return { kind: 'place', text, radius: null, certain: true }
  return { kind: 'words', text }
}

