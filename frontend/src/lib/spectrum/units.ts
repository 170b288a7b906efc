/** Units of spectra: what files write, what the page shows, and the way between them. Held equal to astropy by a test. */

/** Speed of light, m/s. */
export const LIGHT = 299_792_458
const ARCSEC2 = (Math.PI / 648_000) ** 2

export interface AxisUnit {
  name: string
  label: string
  quantity: string
  /** From µm; velocities count from the rest wavelength in µm, in the optical convention. */
  from: (micron: number, rest: number) => number
  to: (value: number, rest: number) => number
}

const scaled = (name: string, label: string, factor: number): AxisUnit => ({
  name,
  label,
  quantity: 'Wavelength',
  from: (micron) => micron * factor,
  to: (value) => value / factor,
})

export const AXES: readonly AxisUnit[] = [
  scaled('um', 'µm', 1),
  scaled('nm', 'nm', 1e3),
  scaled('Angstrom', 'Å', 1e4),
  {
    name: 'GHz',
    label: 'GHz',
    quantity: 'Frequency',
    from: (micron) => (LIGHT / micron) * 1e-3,
    to: (value) => (LIGHT / value) * 1e-3,
  },
  {
    name: 'km/s',
    label: 'km/s',
    quantity: 'Velocity',
    from: (micron, rest) => (micron / rest - 1) * LIGHT * 1e-3,
    to: (value, rest) => (value / (LIGHT * 1e-3) + 1) * rest,
  },
]

/** Micrometres in one of what a file writes for its wavelengths; null where it cannot be known. */
export function micronsPer(unit: string | null): number | null {
  const known: Record<string, number> = {
    um: 1, micron: 1, microns: 1, micrometer: 1, nm: 1e-3, angstrom: 1e-4, a: 1e-4, m: 1e6, cm: 1e4, mm: 1e3,
  }
  return known[(unit ?? '').trim().toLowerCase()] ?? null
}

export interface Density {
  name: string
  label: string
  /** Per unit of frequency or of wavelength. */
  per: 'nu' | 'lambda'
  /** Per solid angle. */
  surface: boolean
  /** W/m²/Hz, or W/m²/m, and steradian where it is per solid angle. */
  factor: number
}

const JY = 1e-26
const AREA = 1 / ARCSEC2
export const DENSITIES: readonly Density[] = [
  { name: 'Jy', label: 'Jy', per: 'nu', surface: false, factor: JY },
  { name: 'mJy', label: 'mJy', per: 'nu', surface: false, factor: JY * 1e-3 },
  { name: 'uJy', label: 'µJy', per: 'nu', surface: false, factor: JY * 1e-6 },
  { name: 'MJy', label: 'MJy', per: 'nu', surface: false, factor: JY * 1e6 },
  { name: 'erg/s/cm2/Hz', label: 'f_ν, erg s⁻¹ cm⁻² Hz⁻¹', per: 'nu', surface: false, factor: 1e-3 },
  { name: 'erg/s/cm2/Angstrom', label: 'f_λ, erg s⁻¹ cm⁻² Å⁻¹', per: 'lambda', surface: false, factor: 1e7 },
  { name: 'W/m2/um', label: 'f_λ, W m⁻² µm⁻¹', per: 'lambda', surface: false, factor: 1e6 },
  { name: 'MJy/sr', label: 'MJy/sr', per: 'nu', surface: true, factor: JY * 1e6 },
  { name: 'Jy/arcsec2', label: 'Jy/arcsec²', per: 'nu', surface: true, factor: JY * AREA },
  { name: 'erg/s/cm2/Angstrom/arcsec2', label: 'erg s⁻¹ cm⁻² Å⁻¹ arcsec⁻²', per: 'lambda', surface: true, factor: 1e7 * AREA },
]

const SPELLINGS: Record<string, string> = {
  ujy: 'uJy', microjy: 'uJy', 'mjy/sr': 'MJy/sr', 'mjy sr-1': 'MJy/sr', 'mjy.sr-1': 'MJy/sr', 'mjy sr^-1': 'MJy/sr',
}

/** The density that a unit of a file is; null where it is another quantity, or none that the page knows. */
export function densityOf(unit: string | null): Density | null {
  const text = (unit ?? '').trim()
  const name = DENSITIES.some((each) => each.name === text) ? text : SPELLINGS[text.toLowerCase()]
  return DENSITIES.find((each) => each.name === name) ?? null
}

/** Those that a density can be shown as: per solid angle stays per solid angle. */
export const alternatives = (density: Density): Density[] => DENSITIES.filter((each) => each.surface === density.surface)

/** What a value, or its error, at a wavelength (µm) is multiplied by to be in another unit. */
export function factor(from: Density, to: Density, micron: number): number {
  if (from.per === to.per) return from.factor / to.factor
  const metre = micron * 1e-6
  // f_λ = f_ν c / λ²
  const toWavelength = LIGHT / (metre * metre)
  return (from.factor / to.factor) * (from.per === 'nu' ? toWavelength : 1 / toWavelength)
}
