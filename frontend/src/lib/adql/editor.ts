/**
 * The ADQL editor. Import it lazily, it brings CodeMirror along: ``const { openEditor } = await import('$lib/adql/editor')``.
 *
 * It lives in a shadow root: there its styles are sheets of script, which the content security policy allows.
 */

import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching } from '@codemirror/language'
import { lintGutter, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { completionSource, type TableInfo } from './completion'
import { adql, colours, RESERVED } from './language'
import { mark, type QueryError } from './marks'
import { joint } from './statement'

export interface Editor {
  readonly text: string
  /** Replace the text; the cursor goes to its end. */
  write(text: string): void
  /** Put a name where the cursor is, for the table browser; a comma goes between it and a name before it. */
  insert(word: string): void
  /** Complete from these tables from now on. */
  offer(tables: readonly TableInfo[]): void
  /** Mark an error at its place and show it; null takes the mark away. */
  complain(error: QueryError | null): void
  focus(): void
  close(): void
}

export interface EditorOptions {
  parent: HTMLElement
  text?: string
  tables?: readonly TableInfo[]
  /** Called after every change of the text; marks are gone by then. */
  changed?: (text: string) => void
  /** Called on Ctrl+Enter (⌘+Enter). */
  run?: (text: string) => void
  label?: string
}

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--fg)', backgroundColor: 'var(--bg)', fontSize: '13px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--acc)' },
  '.cm-cursor': { borderLeftColor: 'var(--acc)' },
  '&.cm-focused': { outline: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--sel)' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--fg3)', border: 'none', borderRight: '1px solid var(--line)' },
  '.cm-placeholder': { color: 'var(--fg3)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--raise)' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--fg)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--acc)', color: 'var(--acc-ink)' },
  '.cm-completionDetail': { opacity: '0.7', fontStyle: 'normal' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--err)' },
})

/** Open an editor inside an element. */
export function openEditor(options: EditorOptions): Editor {
  let tables = options.tables ?? []
  const root = options.parent.shadowRoot ?? options.parent.attachShadow({ mode: 'open' })
  const run = (view: EditorView) => {
    closeCompletion(view)
    options.run?.(view.state.doc.toString())
    return true
  }
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text ?? '',
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        EditorView.lineWrapping,
        autocompletion({ override: [completionSource(() => tables)], icons: false }),
        keymap.of([
          { key: 'Mod-Enter', run },
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap,
          indentWithTab,
        ]),
        placeholder('SELECT TOP 100 * FROM ivoa.ObsCore'),
        EditorView.contentAttributes.of({ 'aria-label': options.label ?? 'ADQL query', spellcheck: 'false' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.changed?.(update.state.doc.toString())
        }),
        adql,
        colours,
        look,
      ],
    }),
  })
  return {
    get text() {
      return view.state.doc.toString()
    },
    write(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } })
    },
    insert(word) {
      const before = view.state.sliceDoc(0, view.state.selection.main.from)
      view.dispatch(view.state.replaceSelection(joint(before, RESERVED) + word))
      view.focus()
    },
    offer(offered) {
      tables = offered
    },
    complain(error) {
      const marks = error ? [mark(view.state.doc.toString(), error)] : []
      view.dispatch(setDiagnostics(view.state, marks))
      if (marks[0]) view.dispatch({ effects: EditorView.scrollIntoView(marks[0].from) })
    },
    focus: () => view.focus(),
    close: () => view.destroy(),
  }
}
