/** A query in ADQL from a terminal or a notebook: each works as it stands. */
import { quoted, shellWord } from '../inspector/script'
import type { Asking } from './client'

type Script = (origin: string, asking: Asking) => string

/** The query in Python's triple quotes, so that it can be read. */
function text(query: string): string {
  const readable = !/["\\]/.test(query) && /^[\x20-\x7e\n]*$/.test(query)
  return readable ? `"""\n${query.trim()}\n"""` : quoted(query)
}

const pyvo: Script = (origin, { query, maxrec, snapshot }) =>
  [
    'import pyvo',
    '',
    `tap = pyvo.dal.TAPService(${quoted(`${origin}/tap`)})`,
    `query = ${text(query)}`,
    `rows = tap.search(query, maxrec=${maxrec}${snapshot === null ? '' : `, SNAPSHOT=${quoted(snapshot)}`})`,
    'print(rows.to_table())',
    '',
  ].join('\n')

const astroquery: Script = (origin, { query }) =>
  [
    'from astroquery.utils.tap.core import TapPlus',
    '',
    `tap = TapPlus(url=${quoted(`${origin}/tap`)})`,
    `query = ${text(query)}`,
    'print(tap.launch_job(query).get_results())',
    '',
  ].join('\n')

const curl: Script = (origin, { query, maxrec, snapshot }) =>
  [
    `curl --fail-with-body ${shellWord(`${origin}/tap/sync`)}`,
    ...[`LANG=ADQL`, `RESPONSEFORMAT=csv`, `MAXREC=${maxrec}`, ...(snapshot === null ? [] : [`SNAPSHOT=${snapshot}`]), `QUERY=${query.trim()}`].map(
      (parameter) => `  --data-urlencode ${shellWord(parameter)}`,
    ),
  ].join(' \\\n') + '\n'

const stilts: Script = (origin, { query, maxrec }) =>
  [`stilts tapquery sync=true`, `  tapurl=${shellWord(`${origin}/tap`)}`, `  maxrec=${maxrec}`, `  adql=${shellWord(query.trim())}`, `  ofmt=csv`].join(' \\\n') + '\n'

export const TAP_SCRIPTS = { pyvo, astroquery, curl, STILTS: stilts } as const satisfies Record<string, Script>
export type TapLanguage = keyof typeof TAP_SCRIPTS
/** Clients that cannot name a snapshot ask the archive as it is. */
export const KNOWS_SNAPSHOTS: ReadonlySet<TapLanguage> = new Set(['pyvo', 'curl'])
