/** Views that show something whole. */
import { tidy, WIDEST_SIN, WIDEST_TAN, type View } from './camera'
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
  const fov = Math.max(WIDEST_TAN + 1, disc * shape * 1.1)
  // what reaches round the globe is easier to see on the ellipse
  if (fov > WIDEST_SIN && projection === 'auto') return wholeSky(width, height, circle.ra)
  return tidy({ ra: circle.ra, dec: circle.dec, fov, projection })
}

/** All of the sky on one ellipse, twice as wide as high. */
export function wholeSky(width: number, height: number, ra = 180): View {
  const ellipse = (4 * Math.SQRT2) / DEGREE
  return tidy({ ra, dec: 0, fov: 1.08 * ellipse * Math.max(1, width / height / 2), projection: 'auto' })
}
