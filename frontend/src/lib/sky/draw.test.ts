import { expect, test } from 'vitest'
import { Camera } from './camera'
import { MOST_OUTLINES } from './density'
import { OUTLINES_PER_STROKE, drawEmphasised, drawFootprints, type Palette } from './draw'
import { FootprintSet } from './footprints'

const PALETTE: Palette = {
  sky: 'black',
  constellation: 'navy',
  constellationName: 'navy',
  grid: 'grey',
  label: 'silver',
  ink: 'white',
  accent: 'gold',
  density: 'teal',
  instruments: { NIRCAM: 'blue', MIRI: 'red' },
  font: '11px monospace',
}

/** A canvas context that keeps account of strokes, fills and what was in their paths. */
class Account {
  strokeStyle = ''
  fillStyle = ''
  globalAlpha = 1
  lineWidth = 1
  lineJoin = ''
  strokes: { style: string; width: number; alpha: number; outlines: number }[] = []
  fills: { style: string; alpha: number }[] = []
  private outlines = 0
  beginPath(): void {
    this.outlines = 0
  }
  moveTo(): void {
    this.outlines++
  }
  rect(): void {
    this.outlines++
  }
  lineTo(): void {}
  closePath(): void {}
  strokeRect(): void {
    this.stroke()
  }
  fillRect(): void {
    this.fill()
  }
  stroke(): void {
    this.strokes.push({ style: this.strokeStyle, width: this.lineWidth, alpha: this.globalAlpha, outlines: this.outlines })
  }
  fill(): void {
    this.fills.push({ style: this.fillStyle, alpha: this.globalAlpha })
  }
}

function squares(n: number, instrument: (i: number) => string): FootprintSet {
  const at = (i: number): [number, number] => [100 + (i % 200) * 0.001, 10 + Math.floor(i / 200) * 0.001]
  return new FootprintSet({
    obs_number: Array.from({ length: n }, (_, i) => String(i)),
    obs_id: Array.from({ length: n }, (_, i) => `jw${i}`),
    instrument_name: Array.from({ length: n }, (_, i) => instrument(i)),
    calib_level: Array.from({ length: n }, () => 3),
    s_ra: Array.from({ length: n }, (_, i) => at(i)[0]),
    s_dec: Array.from({ length: n }, (_, i) => at(i)[1]),
    s_region: Array.from({ length: n }, (_, i) => {
      const [ra, dec] = at(i)
      return `POLYGON ICRS ${ra} ${dec} ${ra + 0.01} ${dec} ${ra + 0.01} ${dec + 0.01} ${ra} ${dec + 0.01}`
    }),
  })
}
const camera = new Camera({ ra: 100.1, dec: 10.05, fov: 0.4, projection: 'auto', roll: 0 }, 800, 500)
const painted = (account: Account): CanvasRenderingContext2D => account as unknown as CanvasRenderingContext2D

test('outlines take the colour of their instrument at 35 % alpha, at most 500 in a stroke', () => {
  const account = new Account()
  const drawn = drawFootprints(painted(account), camera, squares(1800, (i) => (i % 3 ? 'NIRCAM' : 'MIRI')), PALETTE)
  expect(drawn.indices).toHaveLength(1800)
  expect(Math.max(...account.strokes.map((stroke) => stroke.outlines))).toBeLessThanOrEqual(OUTLINES_PER_STROKE)
  const counted = (style: string): number =>
    account.strokes.filter((stroke) => stroke.style === style).reduce((sum, stroke) => sum + stroke.outlines, 0)
  expect([counted('blue'), counted('red')]).toEqual([1200, 600])
  expect(new Set(account.strokes.map((stroke) => stroke.alpha))).toEqual(new Set([0.35]))
})

test('footprints off the view are not drawn', () => {
  const account = new Account()
  const elsewhere = new Camera({ ra: 200, dec: 10, fov: 0.4, projection: 'auto', roll: 0 }, 800, 500)
  expect(drawFootprints(painted(account), elsewhere, squares(50, () => 'MIRI'), PALETTE).indices).toEqual([])
  expect(account.strokes).toEqual([])
})

test('footprints too small for an outline are squares in the same colours', () => {
  const account = new Account()
  const wide = new Camera({ ra: 100.1, dec: 10.05, fov: 100, projection: 'auto', roll: 0 }, 800, 500)
  drawFootprints(painted(account), wide, squares(30, () => 'MIRI'), PALETTE)
  expect(account.strokes).toEqual([])
  expect(account.fills.filter((fill) => fill.style === 'red')).toHaveLength(30)
})

test('above the drawing limit counts take the place of outlines', () => {
  const account = new Account()
  const wide = new Camera({ ra: 100.1, dec: 10.05, fov: 3, projection: 'auto', roll: 0 }, 800, 500)
  const drawn = drawFootprints(painted(account), wide, squares(MOST_OUTLINES + 1, () => 'MIRI'), PALETTE)
  expect(drawn.density?.highest).toBeGreaterThan(1)
  expect(account.strokes).toEqual([])
  expect(account.fills.length).toBe(drawn.density?.counts.size)
})

test('the focused footprint is gold, two pixels wide, with a fill of 13 %', () => {
  const account = new Account()
  drawEmphasised(painted(account), camera, squares(1, () => 'MIRI'), 0, { width: 2, fill: 0.13 }, PALETTE)
  expect(account.fills).toEqual([{ style: 'gold', alpha: 0.13 }])
  expect(account.strokes).toMatchObject([{ style: 'gold', width: 2, alpha: 1 }])
})
