// SPDX-License-Identifier: Apache-2.0
// This browser's own key: made here, kept by the browser, and never to be read by any script, this one included.
import { publicJwk, thumbprint, type SigningKey } from './jose';

const DATABASE = 'restante-keys';
const STORE = 'keys';
const NAME = 'device';
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

export type DeviceKey = SigningKey;

/** A WebCrypto pair as a key that signs. Only its public half is read. */
export async function signingKey(pair: CryptoKeyPair): Promise<SigningKey> {
  const jwk = publicJwk(await crypto.subtle.exportKey('jwk', pair.publicKey));
  return {
    jwk,
    jkt: await thumbprint(jwk),
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(SIGNATURE, pair.privateKey, data)),
  };
}

function database(): Promise<IDBDatabase> {
  return settled(indexedDB.open(DATABASE, 1), (opening) => opening.result.createObjectStore(STORE));
}

function settled<T>(
  asked: IDBRequest<T> & { onupgradeneeded?: unknown },
  upgrade?: (asked: IDBRequest<T>) => unknown,
) {
  return new Promise<T>((done, failed) => {
    if (upgrade) asked.onupgradeneeded = () => upgrade(asked);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error ?? new Error('the browser keeps nothing here'));
  });
}

/**
 * The key of this browser, made at first use; `name`: another one than the usual. Error: Error, where the browser has no WebCrypto
 * or keeps nothing.
 */
export async function deviceKey(name: string = NAME): Promise<DeviceKey> {
  if (!globalThis.crypto?.subtle) throw new Error('keys need a secure connection');
  const db = await database();
  try {
    const kept = await settled(db.transaction(STORE).objectStore(STORE).get(name));
    if (kept) return await signingKey(kept as CryptoKeyPair);
    const fresh = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ]);
    const store = db.transaction(STORE, 'readwrite').objectStore(STORE);
    // Another tab may have been quicker: its key stays.
    try {
      await settled(store.add(fresh, name));
      return await signingKey(fresh);
    } catch {
      const theirs = await settled(db.transaction(STORE).objectStore(STORE).get(name));
      return await signingKey(theirs as CryptoKeyPair);
    }
  } finally {
    db.close();
  }
}

/** Whether there is one already; makes none. */
export async function hasDeviceKey(): Promise<boolean> {
  const db = await database();
  try {
    return (await settled(db.transaction(STORE).objectStore(STORE).count(NAME))) > 0;
  } finally {
    db.close();
  }
}

/** What it signed stays good until the place is told. */
export async function forgetDeviceKey(name: string = NAME): Promise<void> {
  const db = await database();
  try {
    await settled(db.transaction(STORE, 'readwrite').objectStore(STORE).delete(name));
  } finally {
    db.close();
  }
}
