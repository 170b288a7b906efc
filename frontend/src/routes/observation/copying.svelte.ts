/** Putting text on the clipboard, and saying so for a moment. */

const SHOWN = 2500

export class Copying {
  /** What to tell; empty most of the time. */
  said = $state('')
  #forgetting: ReturnType<typeof setTimeout> | undefined

  async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      this.said = `${what} copied`
    } catch {
      this.said = 'This browser allows no copying here; mark the text instead'
    }
    clearTimeout(this.#forgetting)
    this.#forgetting = setTimeout(() => (this.said = ''), SHOWN)
  }
}
