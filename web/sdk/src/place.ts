// SPDX-License-Identifier: Apache-2.0
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/api';
import { Problem } from './problem';

export type Schemas = components['schemas'];
export type Account = Schemas['Account'];
export type Credentials = { user: string; password: string } | { code: string };

/** What one call of openapi-fetch ends with. */
interface Ended<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

export interface PlaceOptions {
  /** Called when the place says that nobody is signed in here any more. */
  onSignedOut?: () => void;
  fetch?: typeof fetch;
}

/**
 * The calls of one place, from a page of that place: the browser holds the cookie, this holds what proves that a
 * change comes from the page (CSRF). Every method throws `Problem`.
 */
export class Place {
  /** Calls by path and method, typed by the contract. Wrap them in `done`. */
  readonly api: Client<paths>;
  #csrf = '';
  readonly #fetch: typeof fetch;
  readonly #options: PlaceOptions;

  constructor(options: PlaceOptions = {}) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
    this.api = createClient<paths>({
      baseUrl: location.origin,
      cache: 'no-store',
      redirect: 'error',
      fetch: (request) => this.send(request),
    });
  }

  /** For bodies and answers that the typed calls do not fit: adds what proves the page, and says what went wrong. */
  async send(request: Request): Promise<Response> {
    if (this.#csrf && request.method !== 'GET' && request.method !== 'HEAD')
      request.headers.set('X-CSRF-Token', this.#csrf);
    let response: Response;
    try {
      response = await this.#fetch(request);
    } catch {
      throw new Problem({}, 0);
    }
    if (response.status === 401 && this.#csrf) {
      this.#csrf = '';
      this.#options.onSignedOut?.();
    }
    return response;
  }

  /** The answer's data; throws the problem if there is one. */
  async done<T>(call: Promise<Ended<T>>): Promise<T> {
    const { data, error, response } = await call;
    if (response.ok) return data as T;
    const after = Number(response.headers.get('Retry-After'));
    throw new Problem((error ?? {}) as object, response.status, after > 0 ? after : undefined);
  }

  /** Who is signed in here; undefined: nobody. */
  async whoAmI(): Promise<Account | undefined> {
    const { data, response } = await this.api.GET('/v1/session');
    if (response.status === 401) return undefined;
    if (!data) throw new Problem({}, response.status);
    this.#csrf = data.csrf ?? '';
    return data.account;
  }

  /** With name and password, or the code of a pairing or invitation address, which is used up. */
  async signIn(credentials: Credentials): Promise<Account> {
    const said = await this.done(this.api.POST('/v1/session', { body: { ...credentials, cookie: true } }));
    this.#csrf = said.csrf ?? '';
    return said.account;
  }

  async signOut(): Promise<void> {
    await this.done(this.api.DELETE('/v1/session'));
    this.#csrf = '';
  }
}
