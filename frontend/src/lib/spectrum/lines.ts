/** Lines and bands that JWST sees, at rest in vacuum, µm. */

export interface Line {
  name: string
  micron: number
  list: LineList
}
export type LineList = 'Hydrogen and helium' | 'Ions' | 'Molecular hydrogen' | 'Dust and ice'

const listed = (list: LineList, lines: Record<string, number>): Line[] =>
  Object.entries(lines).map(([name, micron]) => ({ name, micron, list }))

export const LINES: readonly Line[] = [
  ...listed('Hydrogen and helium', {
    'Ly α': 0.121567, 'H β': 0.4862683, 'H α': 0.6564614, 'He I 1.08': 1.083331, 'Pa γ': 1.094116, 'Pa β': 1.28216,
    'Pa α': 1.875613, 'Br γ': 2.16612, 'Br β': 2.62587, 'Pf γ': 3.74056, 'Br α': 4.05226, 'Pf β': 4.65378, 'Hu α': 12.371898,
  }),
  ...listed('Ions', {
    '[O II]': 0.3728484, '[O III] 4960': 0.4960295, '[O III] 5008': 0.500824, '[N II]': 0.658527, '[S II] 6718': 0.671829,
    '[S II] 6733': 0.673267, '[S III] 0.91': 0.90711, '[S III] 0.95': 0.95332, '[Fe II] 1.26': 1.257, '[Fe II] 1.64': 1.644,
    '[Fe II] 5.34': 5.340169, '[Ar II]': 6.985274, '[Ne VI]': 7.6524, '[Ar III]': 8.99138, '[S IV]': 10.5105, '[Ne II]': 12.813548,
    '[Ne V] 14.3': 14.32168, '[Ne III]': 15.5551, '[S III] 18.7': 18.71303, '[Ne V] 24.3': 24.3175, '[O IV]': 25.8903,
  }),
  ...listed('Molecular hydrogen', {
    'H₂ 1–0 S(1)': 2.121831, 'H₂ S(7)': 5.511183, 'H₂ S(6)': 6.10856, 'H₂ S(5)': 6.909508, 'H₂ S(4)': 8.02504,
    'H₂ S(3)': 9.66491, 'H₂ S(2)': 12.278611, 'H₂ S(1)': 17.034846, 'H₂ S(0)': 28.218844,
  }),
  ...listed('Dust and ice', {
    'H₂O ice': 3.05, 'PAH 3.3': 3.29, 'CO₂ ice': 4.27, 'CO': 4.67, 'PAH 6.2': 6.22, 'PAH 7.7': 7.7, 'PAH 8.6': 8.61,
    'silicate 9.7': 9.7, 'PAH 11.3': 11.3, 'PAH 12.7': 12.7, 'silicate 18': 18,
  }),
]
export const LISTS: readonly LineList[] = ['Hydrogen and helium', 'Ions', 'Molecular hydrogen', 'Dust and ice']

/** Lines of some lists that a redshift moves between two wavelengths, where it moves them. */
export function shifted(lists: readonly string[], redshift: number, low: number, high: number): { name: string; at: number }[] {
  return LINES.filter((line) => lists.includes(line.list))
    .map((line) => ({ name: line.name, at: line.micron * (1 + redshift) }))
    .filter((line) => line.at >= low && line.at <= high)
}
