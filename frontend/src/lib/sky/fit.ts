/** Views that show something whole. */
import { tidy, WIDEST_SIN, WIDEST_TAN, type View } from './camera'
import { toIcrs, type Frame } from './frames'
import { DEGREE } from './vector'

/** Room around what is fitted, as a share of it. */
const MARGIN = 1.25
const CLOSEST = 2 / 60

/** The view that holds the circle of `radius` degrees in a picture of the given size. */
export function fitCircle(
  circle: { ra: number; dec: number; radius: number },
  width: number,
  height: number,
  frame: Frame = 'ICRS',
): View {
  const projection = 'auto'
  const shape = width / Math.min(width, height)
  const flat = Math.max(CLOSEST, 2 * circle.radius * MARGIN) * shape
  if (flat <= WIDEST_TAN) return tidy({ ra: circle.ra, dec: circle.dec, fov: flat, projection, roll: 0 })
  const disc = (2 * Math.sin(Math.min(circle.radius, 90) * DEGREE)) / DEGREE
  const fov = Math.max(WIDEST_TAN + 1, disc * shape * 1.1)
  // what reaches round the globe is easier to see on the ellipse
  if (fov > WIDEST_SIN) return wholeSky(width, height, frame, frame === 'ICRS' ? circle.ra : 0)
  return tidy({ ra: circle.ra, dec: circle.dec, fov, projection, roll: 0 })
}

/** All of the sky on one ellipse, twice as wide as high, with a longitude of the frame in its middle. */
export function wholeSky(width: number, height: number, frame: Frame = 'ICRS', longitude = frame === 'ICRS' ? 180 : 0): View {
  const ellipse = (4 * Math.SQRT2) / DEGREE
  const middle = toIcrs(frame, { ra: longitude, dec: 0 })
  return tidy({ ...middle, fov: 1.08 * ellipse * Math.max(1, width / height / 2), projection: 'auto', roll: 0 })
}
