/** Names as the community writes them. */

const INSTRUMENTS: Record<string, string> = {
  NIRCAM: 'NIRCam',
  NIRSPEC: 'NIRSpec',
  NIRISS: 'NIRISS',
  MIRI: 'MIRI',
  FGS: 'FGS',
}
export function instrument(name: string): string {
  return INSTRUMENTS[name] ?? name
}

const LEVELS: Record<string, string> = {
  '-1': 'Planned',
  '0': 'Raw telemetry',
  '1': 'Raw',
  '2': 'Level 2',
  '3': 'Level 3',
  '4': 'Contributed',
}
export function level(value: string | number): string {
  return LEVELS[String(value)] ?? `Level ${value}`
}

/** A long file name without the prefix it shares with its observation; the whole one belongs in the title. */
export function shortened(filename: string, obsId: string): string {
  if (!obsId || !filename.startsWith(obsId)) return filename
  const kept = obsId.slice(Math.max(obsId.lastIndexOf('_'), 0) + 1)
  return `…${kept}${filename.slice(obsId.length)}`
}
