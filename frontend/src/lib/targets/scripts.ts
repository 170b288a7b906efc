/** A list of targets from a script: sent, searched, and matched to the observations, working as it stands. */
import type { TargetList } from '../api/types'
import { quoted, shellWord } from '../inspector/script'

const COLUMNS = 'obs_id,matched_target,target_separation,matched_targets,instrument_name,filters,t_min'

function python(origin: string, list: TargetList, radius: string): string {
  return [
    'from deepfield.client import Client',
    '',
    `client = Client(${quoted(origin)})`,
    `targets = client.targets(${quoted(list.id)})  # or client.send_targets(["NGC 3324", "10 37 18.8 -58 37 42"])`,
    `rows = client.search(targets=targets.id, radius=${quoted(radius)}, columns=${quoted(COLUMNS)})`,
    'print(len(rows), "observations")',
    'for row in rows[:5]:',
    '    print(row["matched_target"], row["obs_id"])',
    '',
  ].join('\n')
}

function curl(origin: string, list: TargetList, radius: string): string {
  const words = { targets: list.id, radius, columns: COLUMNS }
  const given = Object.entries(words).map(([name, value]) => `  --data-urlencode ${shellWord(`${name}=${value}`)}`)
  return [
    `# another list: curl --data-binary @targets.csv ${shellWord(`${origin}/api/v1/targets`)}`,
    [`curl --get ${shellWord(`${origin}/api/v1/export/csv`)}`, ...given].join(' \\\n'),
    '',
  ].join('\n')
}

/** Degrees of a radius as it is typed. */
export function degreesOf(radius: string): number {
  const unit = { "'": 60, '"': 3600 }[radius.at(-1)!] ?? 1
  return parseFloat(radius) / unit
}

function adql(radius: string): string {
  const circle = `CIRCLE(t.ra, t.dec, ${degreesOf(radius).toPrecision(8)})`
  return [
    '-- TAP_UPLOAD.targets is the report of the list as a VOTable',
    'SELECT t.target, o.obs_id, o.instrument_name, o.filters, o.t_min',
    'FROM TAP_UPLOAD.targets AS t',
    `JOIN dbo.ObsPointing AS o ON 1 = INTERSECTS(o.s_region, ${circle})`,
    "WHERE t.status = 'resolved'",
    '',
  ].join('\n')
}

function pyvo(origin: string, list: TargetList, radius: string): string {
  const query = adql(radius).split('\n').slice(1).join('\n').trim()
  return [
    'import io, urllib.request',
    'import pyvo',
    'from astropy.table import Table',
    '',
    `report = urllib.request.urlopen(${quoted(`${origin}/api/v1/targets/${list.id}/report/votable`)})`,
    'targets = Table.read(io.BytesIO(report.read()), format="votable")',
    `service = pyvo.dal.TAPService(${quoted(`${origin}/tap`)})`,
    `rows = service.run_sync("""${query}""", uploads={"targets": targets}).to_table()`,
    'print(len(rows), "matches")',
    '',
  ].join('\n')
}

export function targetScripts(origin: string, list: TargetList, radius: string): Record<string, string> {
  return { 'deepfield.client': python(origin, list, radius), curl: curl(origin, list, radius), pyvo: pyvo(origin, list, radius), ADQL: adql(radius) }
}
