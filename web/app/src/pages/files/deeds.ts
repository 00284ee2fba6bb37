// SPDX-License-Identifier: Apache-2.0
// What is done to files and folders. Each says what happened, and can be undone where the place allows it.
import { api, done } from '../../lib/place';
import { baseName, folderOf } from '../../lib/format';
import { toasts } from '../../lib/toasts.svelte';
import { words } from '../../words/files';
import { inside, type Thing } from './things';

const said = words.files;

/** Gives it another path; returns the one that it got: a name that is taken is numbered. */
async function put(thing: Thing, path: string): Promise<Thing> {
  if (!thing.file) {
    const { path: now } = await done(api.PATCH('/v1/folders', { body: { path: thing.path, to: path } }));
    return { key: `/${now}`, path: now };
  }
  const now = await done(
    api.PATCH('/v1/files/{file}', { params: { path: { file: thing.file.id } }, body: { name: path } }),
  );
  return { ...thing, path: now.name };
}

export async function rename(thing: Thing, name: string, again: () => void): Promise<void> {
  const before = thing.path;
  const now = await put(thing, inside(folderOf(before), name));
  toasts.note(said.name.renamed(baseName(now.path)), {
    words: words.actions.undo,
    run: async () => {
      await put(now, before);
      again();
    },
  });
}

export async function move(things: readonly Thing[], folder: string, again: () => void): Promise<void> {
  const moved: { now: Thing; before: string }[] = [];
  try {
    for (const thing of things) {
      if (folderOf(thing.path) === folder) continue;
      moved.push({ now: await put(thing, inside(folder, baseName(thing.path))), before: thing.path });
    }
  } finally {
    if (moved.length)
      toasts.note(said.move.moved(moved.length, folder ? baseName(folder) : said.title), {
        words: words.actions.undo,
        run: async () => {
          for (const { now, before } of moved) await put(now, before);
          again();
        },
      });
    again();
  }
}

export async function makeFolder(path: string): Promise<void> {
  const made = await done(api.POST('/v1/folders', { body: { path } }));
  toasts.note(said.name.made(baseName(made.path)));
}

async function trashed(): Promise<{ id: string; name: string }[]> {
  return done(api.GET('/v1/trash'));
}

async function haveBack(file: string): Promise<boolean> {
  const { response } = await api.POST('/v1/trash/{file}:restore', { params: { path: { file } } });
  return response.ok;
}

/** Into the trash. A folder comes back file by file, its empty folders do not. */
export async function remove(things: readonly Thing[], again: () => void): Promise<void> {
  const folders = things.filter((one) => !one.file).map((one) => one.path);
  const before = new Set(folders.length ? (await trashed()).map((one) => one.id) : []);
  const gone: Thing[] = [];
  const undo = async () => {
    let lost = 0;
    for (const { file } of gone) if (file && !(await haveBack(file.id))) lost += 1;
    const away = gone.filter((one) => !one.file).map((one) => one.path);
    if (away.length) {
      const inThem = (await trashed()).filter(
        ({ id, name }) => !before.has(id) && away.some((folder) => name.startsWith(folder + '/')),
      );
      for (const path of away) await done(api.POST('/v1/folders', { body: { path } }));
      for (const { id } of inThem) if (!(await haveBack(id))) lost += 1;
    }
    toasts.note(lost ? said.removed.part(lost) : said.removed.back(gone.length));
    again();
  };
  try {
    for (const thing of things) {
      if (thing.file)
        await done(api.DELETE('/v1/files/{file}', { params: { path: { file: thing.file.id } } }));
      else await done(api.DELETE('/v1/folders', { params: { query: { path: thing.path } } }));
      gone.push(thing);
    }
  } finally {
    if (gone.length)
      toasts.note(said.removed.note(gone.length, baseName((gone[0] as Thing).path)), {
        words: words.actions.undo,
        run: undo,
      });
    again();
  }
}
