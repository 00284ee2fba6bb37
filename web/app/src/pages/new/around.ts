// SPDX-License-Identifier: Apache-2.0
import { Problem } from '@restante/sdk';
import { folderOf } from '../../lib/format';
import { api, done, place } from '../../lib/place';

/** What helps in saying what is wanted. None of it is needed: what cannot be had is left out. */
export interface Around {
  folders: string[];
  logins: { origin: string; label: string }[];
  /** Addresses that are told how it went; undefined: it is not known. */
  contacts: string[] | undefined;
}

const mostFolders = 200;

async function or<T>(otherwise: T, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof Problem) return otherwise;
    throw thrown;
  }
}

async function read<T>(path: string): Promise<T> {
  const response = await place.send(new Request(new URL(path, location.origin), { cache: 'no-store' }));
  if (!response.ok) throw await Problem.from(response);
  return response.json() as Promise<T>;
}

async function folders(): Promise<string[]> {
  const files = await read<{ name: string }[]>('/v1/files');
  const all = new Set<string>();
  for (const { name } of files)
    for (let folder = folderOf(name); folder && all.size < mostFolders; folder = folderOf(folder))
      all.add(folder);
  return [...all].sort();
}

async function logins(): Promise<Around['logins']> {
  return (await read<{ logins: Around['logins'] }>('/v1/logins')).logins;
}

async function contacts(): Promise<string[]> {
  const { contacts: all } = await done(api.GET('/v1/contacts'));
  return all.filter((one) => one.confirmed && !one.disabled).map((one) => one.address);
}

export async function around(): Promise<Around> {
  const [found, kept, told] = await Promise.all([
    or([], folders()),
    or([], logins()),
    or<string[] | undefined>(undefined, contacts()),
  ]);
  return { folders: found, logins: kept, contacts: told };
}
