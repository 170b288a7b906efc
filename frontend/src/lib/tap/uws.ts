/** What the documents of TAP say, read from XML: errors (DALI 1.1 §4.4), jobs (UWS 1.1 §2), tables (VOSI 1.1 §2.4). */

export type Phase = 'PENDING' | 'QUEUED' | 'EXECUTING' | 'COMPLETED' | 'ERROR' | 'ABORTED'

export interface Job {
  id: string
  phase: Phase
  name: string | null
  query: string
  format: string
  created: string
  started: string | null
  ended: string | null
  /** When the job and its result are removed. */
  destruction: string | null
  result: { address: string; bytes: number; type: string } | null
  error: string | null
}

/** A table of the archive, for the browser of tables and for completion. */
export interface Table {
  name: string
  schema: string
  description: string
  rows: number | null
  columns: Column[]
}

export interface Column {
  name: string
  description: string
  unit: string
  ucd: string
  datatype: string
  indexed: boolean
}

export interface Example {
  name: string
  text: string
  query: string
}

export function readXml(text: string): Document {
  const document = new DOMParser().parseFromString(text, 'application/xml')
  if (document.querySelector('parsererror')) throw new Error('The server sent a document that is no XML')
  return document
}

const local = (root: ParentNode, name: string): Element[] => [...root.querySelectorAll('*')].filter((each) => each.localName === name)
const child = (root: Element, name: string): Element | undefined => [...root.children].find((each) => each.localName === name)
const told = (root: Element, name: string): string => child(root, name)?.textContent?.trim() ?? ''

/** The message of an error document; null where it is none. */
export function errorOf(text: string): string | null {
  if (!text.includes('<VOTABLE')) return null
  const status = local(readXml(text), 'INFO').find((info) => info.getAttribute('name') === 'QUERY_STATUS')
  return status?.getAttribute('value') === 'ERROR' ? (status.textContent?.trim() ?? '') : null
}

export function jobNames(text: string): string[] {
  return local(readXml(text), 'jobref').map((reference) => reference.getAttribute('id') ?? '')
}

export function readJob(text: string): Job {
  const root = readXml(text).documentElement
  const asked = new Map(
    local(root, 'parameter').map((each) => [(each.getAttribute('id') ?? '').toUpperCase(), each.textContent ?? '']),
  )
  const [result] = local(root, 'result')
  const [message] = local(root, 'message')
  return {
    id: told(root, 'jobId'),
    phase: told(root, 'phase') as Phase,
    name: told(root, 'runId') || null,
    query: asked.get('QUERY') ?? '',
    format: asked.get('RESPONSEFORMAT') ?? asked.get('FORMAT') ?? 'votable',
    created: told(root, 'creationTime'),
    started: told(root, 'startTime') || null,
    ended: told(root, 'endTime') || null,
    destruction: told(root, 'destruction') || null,
    result: result
      ? {
          address: new URL(result.getAttribute('xlink:href') ?? '', location.href).pathname,
          bytes: Number(result.getAttribute('size')),
          type: result.getAttribute('mime-type') ?? '',
        }
      : null,
    error: message?.textContent?.trim() || null,
  }
}

export function readTables(text: string): Table[] {
  return local(readXml(text), 'schema').flatMap((schema) =>
    [...schema.children]
      .filter((each) => each.localName === 'table')
      .map((table) => ({
        name: told(table, 'name'),
        schema: told(schema, 'name'),
        description: told(table, 'description'),
        rows: told(table, 'nrows') ? Number(told(table, 'nrows')) : null,
        columns: [...table.children].filter((each) => each.localName === 'column').map(readColumn),
      })),
  )
}

function readColumn(column: Element): Column {
  const type = child(column, 'dataType')
  const size = type?.getAttribute('arraysize')
  return {
    name: told(column, 'name'),
    description: told(column, 'description'),
    unit: told(column, 'unit'),
    ucd: told(column, 'ucd'),
    datatype: type?.getAttribute('extendedType') ?? `${type?.textContent?.trim() ?? ''}${size ? `(${size})` : ''}`,
    indexed: [...column.children].some((each) => each.localName === 'flag' && each.textContent === 'indexed'),
  }
}

/** The formats on offer, by the short name that RESPONSEFORMAT takes (TAPRegExt 1.0 §2.4). */
export function readFormats(text: string): string[] {
  const aliases = local(readXml(text), 'outputFormat').map((format) => told(format, 'alias'))
  return [...new Set(aliases.filter(Boolean))]
}

/** The examples of the service (DALI 1.1 §2.3). */
export function readExamples(text: string): Example[] {
  const of = (root: Element, property: string) =>
    [...root.querySelectorAll('[property]')].find((each) => each.getAttribute('property') === property)?.textContent ?? ''
  return [...readXml(text).querySelectorAll('[typeof="example"]')].map((each) => ({
    name: of(each, 'name').trim(),
    text: (local(each, 'p')[0]?.textContent ?? '').replace(/\s*Tables: .*$/s, '').trim(),
    query: of(each, 'query').trim(),
  }))
}
