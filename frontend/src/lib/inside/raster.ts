/** Pictures of numbers: decoding, limits and colours. */

/** Base64 of little-endian 32-bit floats. */
export function decoded(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

/** Values below which so many percent of the known ones lie; a range of its own where all are alike. */
export function limits(values: Float32Array, low: number, high: number): [number, number] {
  const known = values.filter(Number.isFinite).sort()
  if (!known.length) return [0, 1]
  const at = (percent: number) => known[Math.round(((known.length - 1) * percent) / 100)]!
  const [least, most] = [at(low), at(high)]
  return least < most ? [least, most] : [least - 0.5, least + 0.5]
}

/** The colours of matplotlib's inferno at equal steps. */
const INFERNO = [
  [0, 0, 4], [22, 11, 57], [66, 10, 104], [106, 23, 110], [147, 38, 103], [188, 55, 84], [221, 81, 58], [243, 120, 25],
  [252, 165, 10], [246, 215, 70], [252, 255, 164],
] as const

/** The colour of a place from 0 to 1. */
export function inferno(part: number): [number, number, number] {
  const place = Math.max(0, Math.min(1, part)) * (INFERNO.length - 1)
  const first = Math.min(Math.floor(place), INFERNO.length - 2)
  const rest = place - first
  return [0, 1, 2].map((i) => Math.round(INFERNO[first]![i]! + (INFERNO[first + 1]![i]! - INFERNO[first]![i]!) * rest)) as [number, number, number]
}

/** Pixels of a picture, row 0 at the bottom; what is unknown is transparent. */
export function painted(values: Float32Array, width: number, height: number, [low, high]: readonly [number, number]): ImageData {
  const image = new ImageData(width, height)
  const table = Array.from({ length: 256 }, (_, i) => inferno(i / 255))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = values[(height - 1 - y) * width + x]!
      if (!Number.isFinite(value)) continue
      const colour = table[Math.round(Math.max(0, Math.min(1, (value - low) / (high - low))) * 255)]!
      image.data.set([...colour, 255], (y * width + x) * 4)
    }
  return image
}
