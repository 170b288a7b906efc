/**
 * The base sky, made from the data of d3-celestial when the pages are built: bright stars, the lines and names of the
 * constellations, and the Milky Way as brightness in cells. Imported as `virtual:base-sky`, it becomes a chunk of its own.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const ID = 'virtual:base-sky'
const FAINTEST = 6
/** Size of a cell of the Milky Way, and how far from the galactic plane cells are made; degrees. */
const CELL = 1.5
const FARTHEST = 36

const require = createRequire(import.meta.url)
const read = (name) => JSON.parse(readFileSync(require.resolve(`d3-celestial/data/${name}.json`), 'utf8')).features
const positive = (longitude) => (longitude + 360) % 360
const rounded = (value, digits) => Number(value.toFixed(digits))

function stars() {
  const found = read('stars.6').filter((star) => star.properties.mag <= FAINTEST)
  found.sort((a, b) => a.properties.mag - b.properties.mag)
  return {
    ra: found.map((star) => rounded(positive(star.geometry.coordinates[0]), 3)),
    dec: found.map((star) => rounded(star.geometry.coordinates[1], 3)),
    magnitude: found.map((star) => rounded(star.properties.mag, 1)),
    colour: found.map((star) => rounded(Number(star.properties.bv) || 0, 1)),
  }
}

const lines = () =>
  read('constellations.lines').flatMap((figure) =>
    figure.geometry.coordinates.map((line) => line.map(([ra, dec]) => [rounded(positive(ra), 2), rounded(dec, 2)])),
  )

const names = () =>
  read('constellations').map(({ properties, geometry }) => {
    const [ra, dec] = geometry.coordinates
    return [properties.la ?? properties.name, rounded(positive(ra), 1), rounded(dec, 1)]
  })

/** Edges of a brightness level, by whole degrees of right ascension that they span. */
function edgesByDegree(level) {
  const bins = Array.from({ length: 360 }, () => [])
  for (const polygon of level.geometry.coordinates) {
    for (const ring of polygon) {
      for (let i = 1; i < ring.length; i++) {
        const [a, b] = [ring[i - 1], ring[i]]
        let width = b[0] - a[0]
        if (width > 180) width -= 360
        if (width < -180) width += 360
        const [west, east] = [Math.min(a[0], a[0] + width), Math.max(a[0], a[0] + width)]
        for (let bin = Math.floor(west); bin <= Math.floor(east); bin++) bins[((bin % 360) + 360) % 360].push([a, width, b[1]])
      }
    }
  }
  return bins
}

/** Whether a position lies within a level: an odd number of edges between it and the pole, which lies outside. */
function isWithin(bins, ra, dec) {
  let inside = false
  for (const [a, width, end] of bins[Math.floor(ra) % 360]) {
    const along = ((((ra - a[0]) % 360) + 540) % 360) - 180
    const crosses = width > 0 ? along >= 0 && along < width : along < 0 && along >= width
    if (crosses && a[1] + (along / width) * (end - a[1]) > dec) inside = !inside
  }
  return inside
}

/** ICRS degrees of galactic longitude and latitude; pole and node of the IAU system as in the Hipparcos catalogue §1.5.3. */
function fromGalactic(l, b) {
  const rad = Math.PI / 180
  const [poleRa, poleDec, node] = [192.85948, 27.12825, 32.93192]
  const dl = (l - node) * rad
  const dec = Math.asin(Math.sin(b * rad) * Math.sin(poleDec * rad) + Math.cos(b * rad) * Math.cos(poleDec * rad) * Math.sin(dl))
  const y = Math.cos(b * rad) * Math.cos(dl)
  const x = Math.sin(b * rad) * Math.cos(poleDec * rad) - Math.cos(b * rad) * Math.sin(poleDec * rad) * Math.sin(dl)
  return [positive(poleRa + Math.atan2(y, x) / rad), dec / rad]
}

/** Cells of the Milky Way with light: position and the number of levels they lie in, 1 to 5. */
function milkyWay() {
  const levels = read('mw').map(edgesByDegree)
  const cells = { size: CELL, ra: [], dec: [], level: [] }
  for (let b = -FARTHEST; b <= FARTHEST; b += CELL) {
    const step = CELL / Math.cos((b * Math.PI) / 180)
    for (let l = 0; l < 360; l += step) {
      const [ra, dec] = fromGalactic(l, b)
      const level = levels.filter((bins) => isWithin(bins, ra, dec)).length
      if (!level) continue
      cells.ra.push(rounded(ra, 2))
      cells.dec.push(rounded(dec, 2))
      cells.level.push(level)
    }
  }
  return cells
}

export function baseSky() {
  return {
    name: 'base-sky',
    resolveId: (id) => (id === ID ? `\0${ID}` : null),
    load: (id) =>
      id === `\0${ID}` ? `export default ${JSON.stringify({ stars: stars(), lines: lines(), names: names(), milkyWay: milkyWay() })}` : null,
  }
}
