import { describe, expect, it } from 'vitest'
import { observationAddress, parseRoute } from './route'

describe('routes', () => {
  it('names the pages', () => {
    expect(parseRoute('/')).toEqual({ page: 'explore' })
    expect(parseRoute('/obs/jw02731-o001_t017_nircam_f187n')).toMatchObject({ page: 'observation', tab: 'view' })
    expect(parseRoute('/obs/jw1/files')).toEqual({ page: 'observation', obsId: 'jw1', tab: 'files' })
    expect(parseRoute('/account')).toEqual({ page: 'account' })
    expect(parseRoute('/token')).toEqual({ page: 'account' }) // where MAST's clients send people to make a token
    expect(parseRoute('/targets')).toEqual({ page: 'targets', list: null })
    expect(parseRoute('/targets/Wv3_x-1')).toEqual({ page: 'targets', list: 'Wv3_x-1' })
    expect(parseRoute('/login')).toEqual({ page: 'login' })
    expect(parseRoute('/nowhere')).toEqual({ page: 'missing', path: '/nowhere' })
  })

  it('carries any obs_id there and back', () => {
    for (const obsId of ['jw1', 'a b', 'a/b', '50%', 'ü'])
      expect(parseRoute(observationAddress(obsId, 'header'))).toEqual({ page: 'observation', obsId, tab: 'header' })
  })
})
