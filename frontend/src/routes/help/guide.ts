/** What the guide says in tables: operators of the search line, and words of the archive. */

export interface Operator {
  write: string
  finds: string
}

export const OPERATORS: readonly Operator[] = [
  { write: 'NGC 3324', finds: 'a target of the archive, or any name that a resolver knows' },
  { write: "NGC 3324 12'", finds: 'what covers a circle of 12 arcminutes around it; 30" and 0.2d are radii as well' },
  { write: '10:37:18.8 -58:37:42', finds: 'a position, ICRS; 10h37m18.8s -58d37m42s and 159.328 -58.628 are the same' },
  { write: '2731', finds: 'a programme, by its number' },
  { write: 'jw02731001001_02101', finds: 'observations and files whose names begin so' },
  { write: 'filters: F444W,F470N', finds: 'any of several values of a column' },
  { write: 'instrument_name: !MIRI', finds: 'anything but this value' },
  { write: 't_exptime: 100..2000', finds: 'a range, both ends included; 100.. and ..2000 leave an end open' },
  { write: 't_min: 2025-03', finds: 'a date, which stands for all of its day, month or year, UTC' },
  { write: 'proposal_pi: Rei*', finds: 'a pattern, in any case; * stands for any text' },
  { write: 'detector: null', finds: 'rows without a value; !null finds those with one' },
  { write: 'target_name: A\\,B', finds: 'a comma, an asterisk or two dots themselves, behind a backslash' },
]

export interface Word {
  word: string
  means: string
}

export const GLOSSARY: readonly Word[] = [
  { word: 'Observation', means: 'What was taken together: one exposure of one detector, or the combination of many exposures (CAOM 2.4).' },
  { word: 'Level', means: 'How far the data are processed. 1 is raw (uncal), 2 calibrated exposures (rate, cal), 3 combined (i2d, x1d, s3d).' },
  { word: 'Product', means: 'One file. Its suffix says what it is: cal a calibrated exposure, i2d a mosaic, x1d an extracted spectrum, s3d a cube, cat a source catalogue.' },
  { word: 'Science products', means: 'The files most people want of an observation. “All” lists the rest: raw data, guide star data, auxiliary files.' },
  { word: 'Programme', means: 'An approved proposal with its number. A visit is one pointing of it; an exposure one run of the detectors.' },
  { word: 'Footprint', means: 'The outline of the observed part of the sky (s_region).' },
  { word: 'Exclusive access', means: 'The period in which only the members of the programme get the data. Everybody sees that the observation exists and when it becomes public.' },
  { word: 'Snapshot', means: 'The number of a state of the archive. Asked for it, a query gives the same rows in a year; quote it when you publish.' },
  { word: 'Pipeline, CRDS context', means: 'Version of the calibration software, and of the set of reference files it used.' },
  { word: 'DQ', means: 'Data quality: a number for each pixel whose bits say what is wrong with it.' },
  { word: 'MJD', means: 'Modified Julian Date, here in UTC. The portal shows times as ISO 8601, ADQL has them as MJD in t_min and t_max.' },
  { word: 'UCD', means: 'What a column means, in words that all archives share: pos.eq.ra is a right ascension whatever the column is called.' },
]
