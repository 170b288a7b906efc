/** Short names for what `/api/v1` tells. 64-bit numbers are text, times ISO 8601 UTC, angles ICRS degrees. */
import type { components } from './schema'

type Schemas = components['schemas']

/** One value of a table row. */
export type Cell = string | number | boolean | null

export type Resolved = Schemas['Resolved']
export type Page = Omit<Schemas['ObservationPage'], 'data'> & { data: Record<string, Cell[]> }
export type CategoryFacet = Schemas['CategoryFacet']
export type HistogramFacet = Schemas['HistogramFacet']
export type FacetAnswer = Schemas['FacetAnswer']
export type Facet = FacetAnswer['facets'][number]
export type Footprints = Schemas['FootprintColumns']
export type FootprintAnswer = Schemas['Footprints']
export type ObservationRecord = Omit<Schemas['ObservationRecord'], 'observation'> & { observation: Record<string, Cell> }
export type ScatterAnswer = Schemas['ScatterAnswer']
export type ScatterAxis = Schemas['AxisDocument']
export type Product = Schemas['Product']
export type ProductList = Schemas['ProductList']
export type PreviewNote = Schemas['PreviewDocument']
export type HeaderDocument = Schemas['HeaderDocument']
export type ColumnDescription = Schemas['ColumnDocument']
export type Suggestion = Schemas['Suggestion']
export type Status = Schemas['Status']
export type SessionState = Schemas['SessionDocument']
export type Token = Schemas['TokenDocument']
export type TokenList = Schemas['TokenList']
export type NewToken = Schemas['NewToken']
export type Members = Schemas['MemberList']
export type Role = Schemas['RoleRequest']['role']
export type Translation = Schemas['TranslationDocument']
export type Selection = Schemas['SelectionDocument']
export type SelectedProduct = Schemas['SelectedProduct']
export type ExportForm = Schemas['ExportForm']
export type CitationTexts = Schemas['CitationDocument']
export type Bulletin = Schemas['BulletinDocument']
export type TargetList = Schemas['TargetListDocument']
export type Target = Schemas['TargetDocument']
export type TargetCounts = Schemas['TargetCounts']
export type Choice = Schemas['ChoiceBody']
export type Kept = Schemas['KeptDocument']
export type ErrorBody = Schemas['ErrorBody']
