/** Where the user is: route and view, kept equal to the address. Back and Forward move through it. */
import { EMPTY, parseAddress, writeAddress, type Axes, type Query, type ShownAs, type SkyPlace, type View } from './query'
import type { Frame } from '../sky/frames'
import { parseRoute, type Route } from './route'

/** Browsers refuse bursts of history changes, so a moving sky is written down when it rests. */
const REST = 250

class Session {
  route: Route = $state.raw(parseRoute(location.pathname))
  view: View = $state.raw(parseAddress(location.search))
  /** The address of Explore as it was left, for the way back. */
  exploreAddress = $state('/')
  /** How many observations the query of Explore found. */
  found: number | null = $state(null)
  #resting: ReturnType<typeof setTimeout> | undefined

  constructor() {
    window.addEventListener('popstate', () => this.#read())
    this.#read()
  }

  get query(): Query {
    return this.view.query
  }

  #read(): void {
    clearTimeout(this.#resting)
    this.route = parseRoute(location.pathname)
    if (this.route.page !== 'explore') return
    this.view = parseAddress(location.search)
    this.exploreAddress = location.pathname + location.search
  }

  /** Follow an address of our own. */
  go(address: string): void {
    this.#settle()
    history.pushState(null, '', address)
    this.#read()
  }

  /** Ask something else; a step that Back undoes. */
  ask(query: Query): void {
    // Another place to look at: the sky goes there by itself.
    const elsewhere = query.position !== this.query.position || query.targets !== this.query.targets || query.radius !== this.query.radius
    this.#show({ ...this.view, query, sky: elsewhere ? null : this.view.sky }, 'push')
  }

  /** Ask for a place drawn on the sky, which stays as it is. */
  askHere(query: Query): void {
    this.#show({ ...this.view, query }, 'push')
  }

  clear(): void {
    this.#show({ ...this.view, query: { ...EMPTY, sort: this.query.sort, columns: this.query.columns, facets: this.query.facets }, sky: null }, 'push')
  }

  focus(obsId: string | null): void {
    if (obsId !== this.view.focus) this.#show({ ...this.view, focus: obsId }, 'replace')
  }

  showAs(show: ShownAs): void {
    this.#show({ ...this.view, show, plot: null }, 'push')
  }

  plot(axes: Axes): void {
    this.#show({ ...this.view, plot: axes }, 'push')
  }

  /** Read positions in another frame, with its north up. */
  readIn(frame: Frame): void {
    this.#show({ ...this.view, frame }, 'replace')
  }

  look(sky: SkyPlace): void {
    this.#show({ ...this.view, sky }, 'rest')
  }

  #show(view: View, how: 'push' | 'replace' | 'rest'): void {
    this.view = view
    const address = `/${writeAddress(view)}`
    this.exploreAddress = address
    if (this.route.page !== 'explore') {
      if (how === 'push') this.go(address)
      return
    }
    clearTimeout(this.#resting)
    if (how === 'push') history.pushState(null, '', address)
    else if (how === 'replace') history.replaceState(null, '', address)
    else this.#resting = setTimeout(() => this.#settle(), REST)
  }

  /** Write down what was still moving. */
  #settle(): void {
    clearTimeout(this.#resting)
    if (this.route.page === 'explore') history.replaceState(null, '', this.exploreAddress)
  }
}

export const session = new Session()
