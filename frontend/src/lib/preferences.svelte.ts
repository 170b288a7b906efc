/** Small choices of a person, kept in this browser. They change how a view looks, never what it shows. */
import type { CoordinateStyle } from './format/angles'

type Theme = 'dark' | 'light'

function stored<T extends string>(key: string, allowed: readonly T[]): T {
  try {
    const value = localStorage.getItem(`deepfield.${key}`) as T | null
    if (value !== null && allowed.includes(value)) return value
  } catch {
    // Storage may be closed; the default stands.
  }
  return allowed[0]!
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(`deepfield.${key}`, value)
  } catch {
    // The choice then lasts as long as the page.
  }
}

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(`deepfield.${key}`)
  } catch {
    return null
  }
}

class Preferences {
  theme: Theme = $state(stored('theme', ['dark', 'light'] as const))
  coordinates: CoordinateStyle = $state(stored('coordinates', ['sexagesimal', 'decimal'] as const))

  switchTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark'
    document.documentElement.dataset['theme'] = this.theme
    keep('theme', this.theme)
  }

  switchCoordinates(): void {
    this.coordinates = this.coordinates === 'sexagesimal' ? 'decimal' : 'sexagesimal'
    keep('coordinates', this.coordinates)
  }
}

export const preferences = new Preferences()
