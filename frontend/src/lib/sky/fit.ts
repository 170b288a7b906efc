/** Views that show something whole. */
import { tidy, WIDEST_TAN, type View } from './camera'
import { DEGREE } from './vector'

/** Room around what is fitted, as a share of it. */
const MARGIN = 1.25
const CLOSEST = 2 / 60

/** The view that holds the circle of `radius` degrees in a picture of the given size. */
export function fitCircle(
  circle: { ra: number; dec: number; radius: number },
  width: number,
  height: number,
  projection: View['projection'] = 'auto',
): View {
  const shape = width / Math.min(width, height)
  const flat = Math.max(CLOSEST, 2 * circle.radius * MARGIN) * shape
  if (flat <= WIDEST_TAN) return tidy({ ra: circle.ra, dec: circle.dec, fov: flat, projection })
  const disc = (2 * Math.sin(Math.min(circle.radius, 90) * DEGREE)) / DEGREE
  return tidy({ ra: circle.ra, dec: circle.dec, fov: Math.max(WIDEST_TAN + 1, disc * shape * 1.1), projection })
}

/** The whole sphere, seen from outside the way the sky is drawn. */
export function wholeSky(width: number, height: number): View {
  return fitCircle({ ra: 180, dec: 0, radius: 90 }, width, height)
}
