/** Directions in a preview picture, from the sentence that the archive writes about them. */

export interface Directions {
  /** Degrees counter-clockwise from up. */
  north: number
  eastIsLeft: boolean
}

export function directionsOf(sentence: string): Directions | null {
  const match = /north (-?[\d.]+)° counter-clockwise from up, east (left|right)/.exec(sentence)
  return match ? { north: Number(match[1]), eastIsLeft: match[2] === 'left' } : null
}

/** Tip of an arrow of the given length that points `angle` degrees counter-clockwise from up; y downwards. */
export function tip(angle: number, length: number): [number, number] {
  const turn = (angle * Math.PI) / 180
  return [-length * Math.sin(turn), -length * Math.cos(turn)]
}
