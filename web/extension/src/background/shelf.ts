// SPDX-License-Identifier: Apache-2.0
// What the extension keeps and nobody else may read: tokens, and requests with their cookies. Encrypted by a key that the browser
// holds and no script can read, so that a copy of the profile's files does not show them.
import { utf8 } from '@restante/sdk/base64url';

const DATABASE = 'restante-extension';
const KEYS = 'keys';
const KEPT = 'kept';
const KEY = 'shelf';

interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

function settled<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error('the browser keeps nothing here'));
  });
}

let opened: Promise<{ db: IDBDatabase; key: CryptoKey }> | undefined;

/** Open as long as the background lives: every start of it opens anew. */
function open(): Promise<{ db: IDBDatabase; key: CryptoKey }> {
  opened ??= (async () => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(KEYS);
      opening.result.createObjectStore(KEPT);
    };
    const db = await settled(opening);
    const known = (await settled(db.transaction(KEYS).objectStore(KEYS).get(KEY))) as CryptoKey | undefined;
    if (known) return { db, key: known };
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
    await settled(db.transaction(KEYS, 'readwrite').objectStore(KEYS).put(key, KEY));
    return { db, key };
  })();
  opened.catch(() => (opened = undefined));
  return opened;
}

/** Values of one kind, by id. Each method may throw where the browser keeps nothing (Firefox's private windows). */
export class Shelf<T> {
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = `${kind}/`;
  }

  async put(id: string, value: T): Promise<void> {
    const { db, key } = await open();
    const name = this.#kind + id;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const how = { name: 'AES-GCM', iv, additionalData: utf8(name) };
    const data = await crypto.subtle.encrypt(how, key, utf8(JSON.stringify(value)));
    await settled(
      db
        .transaction(KEPT, 'readwrite')
        .objectStore(KEPT)
        .put({ iv, data } satisfies Sealed, name),
    );
  }

  async get(id: string): Promise<T | undefined> {
    const { db } = await open();
    const name = this.#kind + id;
    return this.#read(
      name,
      (await settled(db.transaction(KEPT).objectStore(KEPT).get(name))) as Sealed | undefined,
    );
  }

  /** In no order. What cannot be read any more is left out. */
  async all(): Promise<T[]> {
    const { db } = await open();
    const store = db.transaction(KEPT).objectStore(KEPT);
    const range = IDBKeyRange.bound(this.#kind, this.#kind + '\uffff');
    const [names, values] = await Promise.all([
      settled(store.getAllKeys(range)),
      settled(store.getAll(range)),
    ]);
    const read = await Promise.all(
      values.map((value, index) => this.#read(String(names[index]), value as Sealed)),
    );
    return read.filter((one) => one !== undefined);
  }

  async count(): Promise<number> {
    const { db } = await open();
    const range = IDBKeyRange.bound(this.#kind, this.#kind + '\uffff');
    return settled(db.transaction(KEPT).objectStore(KEPT).count(range));
  }

  async remove(id: string): Promise<void> {
    const { db } = await open();
    await settled(
      db
        .transaction(KEPT, 'readwrite')
        .objectStore(KEPT)
        .delete(this.#kind + id),
    );
  }

  async #read(name: string, sealed: Sealed | undefined): Promise<T | undefined> {
    if (!sealed) return undefined;
    const { key } = await open();
    try {
      const how = { name: 'AES-GCM', iv: sealed.iv, additionalData: utf8(name) };
      return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(how, key, sealed.data))) as T;
    } catch {
      return undefined;
    }
  }
}
