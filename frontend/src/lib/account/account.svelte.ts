/** Who is signed in, and what they may change. Every change carries the session's proof. */
import { api, send } from '$lib/api/client'
import type { Kept, Members, NewToken, Role, SessionState, TokenList } from '$lib/api/types'

class Account {
  /** Who asks; null until the server has said. */
  state: SessionState | null = $state.raw(null)

  get name(): string | null {
    return this.state?.name ?? null
  }

  async load(): Promise<void> {
    this.state = await api.session()
  }

  async signIn(name: string, password: string): Promise<void> {
    this.state = await send<SessionState>('POST', '/api/v1/session', { name, password })
  }

  async signOut(): Promise<void> {
    await this.#change('DELETE', '/api/v1/session')
    await this.load()
  }

  async changePassword(old: string, wanted: string): Promise<void> {
    const body = { old_password: old, new_password: wanted }
    this.state = await this.#change<SessionState>('POST', '/api/v1/account/password', body)
  }

  tokens(): Promise<TokenList> {
    return api.tokens()
  }

  makeToken(label: string, scopes: string[], days: number): Promise<NewToken> {
    return this.#change('POST', '/api/v1/tokens', { label, scopes, days })
  }

  revokeToken(tokenId: string): Promise<void> {
    return this.#change('DELETE', `/api/v1/tokens/${encodeURIComponent(tokenId)}`)
  }

  members(program: string): Promise<Members> {
    return api.members(program)
  }

  grant(program: string, name: string, role: Role): Promise<Members> {
    return this.#change('PUT', this.#member(program, name), { role })
  }

  revoke(program: string, name: string): Promise<void> {
    return this.#change('DELETE', this.#member(program, name))
  }

  keep(kind: Kept['kind'], name: string, document: object): Promise<Kept> {
    return this.#change('PUT', `/api/v1/kept/${kind}/${encodeURIComponent(name)}`, { document })
  }

  rename(kind: Kept['kind'], name: string, wanted: string): Promise<Kept> {
    return this.#change('POST', `/api/v1/kept/${kind}/${encodeURIComponent(name)}/name`, { name: wanted })
  }

  forget(kind: Kept['kind'], name: string): Promise<void> {
    return this.#change('DELETE', `/api/v1/kept/${kind}/${encodeURIComponent(name)}`)
  }

  #member(program: string, name: string): string {
    return `/api/v1/programs/${encodeURIComponent(program)}/members/${encodeURIComponent(name)}`
  }

  #change<T>(method: string, path: string, body?: object): Promise<T> {
    return send<T>(method, path, body, this.state?.csrf ?? '')
  }
}

export const account = new Account()
