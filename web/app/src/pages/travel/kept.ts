// SPDX-License-Identifier: Apache-2.0
// What this browser keeps so that requests can be made while no place can be reached: the places' keys, and requests that wait. All of
// it is sealed or public; the key that signs is the browser's own (sdk/device-key) and can be read by no script.

export interface KeptPlace {
  /** Where it is: "https://home.example:8470". */
  url: string;
  name: string;
  /** Thumbprint of its identity key. */
  jkt: string;
  tz: string;
  account: string;
  /** Its keys, signed by its identity key. */
  keys: string;
}

export interface Waiting {
  /** Of the request: the place takes it once. */
  id: string;
  /** As it may be shown. */
  label: string;
  place: string;
  sealed: string;
  made: number;
  /** Why the place did not take it: a reason's code. */
  refused?: string;
}

const DATABASE = 'restante-travel';
type Shelf = 'places' | 'waiting';

function settled<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error('the browser keeps nothing here'));
  });
}

async function on<T>(
  shelf: Shelf,
  mode: IDBTransactionMode,
  what: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('places', { keyPath: 'url' });
    opening.result.createObjectStore('waiting', { keyPath: 'id' });
  };
  const db = await settled(opening);
  try {
    return await settled(what(db.transaction(shelf, mode).objectStore(shelf)));
  } finally {
    db.close();
  }
}

export const places = {
  all: () => on<KeptPlace[]>('places', 'readonly', (store) => store.getAll()),
  keep: (place: KeptPlace) => on('places', 'readwrite', (store) => store.put(place)),
  forget: (url: string) => on('places', 'readwrite', (store) => store.delete(url)),
};

export const waiting = {
  all: async () =>
    (await on<Waiting[]>('waiting', 'readonly', (store) => store.getAll())).sort((a, b) => a.made - b.made),
  keep: (request: Waiting) => on('waiting', 'readwrite', (store) => store.put(request)),
  forget: (id: string) => on('waiting', 'readwrite', (store) => store.delete(id)),
};

/** Somebody else may use this browser next. */
export function forgetAll(): Promise<unknown> {
  return settled(indexedDB.deleteDatabase(DATABASE));
}
