// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '@restante/sdk';
import type { IconName } from '../../components/Icon.svelte';
import { baseName } from '../../lib/format';
import { words } from '../../words/files';

export type FileFacts = Schemas['File'] & { id: string };

/** One row: a file, or a folder (without `file`). */
export interface Thing {
  /** Of all rows; a folder's begins with "/". */
  key: string;
  /** Relative to the person's files. */
  path: string;
  file?: FileFacts;
}

export const ofFile = (file: FileFacts): Thing => ({ key: file.id, path: file.name, file });
export const ofFolder = (path: string): Thing => ({ key: `/${path}`, path });

export type Order = 'name' | 'newest' | 'oldest' | 'largest';
export const orders: readonly Order[] = ['name', 'newest', 'oldest', 'largest'];

const names = new Intl.Collator(words.language.code, { numeric: true });
const compare: Record<Order, (a: FileFacts, b: FileFacts) => number> = {
  name: (a, b) => names.compare(a.name, b.name),
  newest: (a, b) => (b.published ?? '').localeCompare(a.published ?? ''),
  oldest: (a, b) => (a.published ?? '').localeCompare(b.published ?? ''),
  largest: (a, b) => (b.size_bytes ?? 0) - (a.size_bytes ?? 0),
};

/** Folders first, by name. */
export function inOrder(folders: readonly string[], files: readonly FileFacts[], order: Order): Thing[] {
  return [
    ...folders.toSorted((a, b) => names.compare(a, b)).map(ofFolder),
    ...files.toSorted(compare[order]).map(ofFile),
  ];
}

export type Kind = 'image' | 'audio' | 'video' | 'text' | 'archive' | 'other';
const endings: Record<Exclude<Kind, 'other'>, string> = {
  image: 'avif bmp gif ico jpeg jpg png svg webp',
  audio: 'aac flac m4a mp3 oga ogg opus wav weba',
  video: 'm4v mkv mov mp4 ogv webm',
  text: 'c cc cfg conf cpp css csv go h hpp htm html ini java js json log lua md py rb rs sh sql srt tex toml ts tsv txt vtt xhtml xml yaml yml',
  archive: '7z bz2 deb gz iso rar rpm tar tgz xz zip zst',
};
const kindOf = new Map(
  Object.entries(endings).flatMap(([kind, all]) => all.split(' ').map((one) => [one, kind as Kind] as const)),
);

/** What the browser can do with it. The name counts before what a server said: that is often nothing of use. */
export function kind(file: FileFacts): Kind {
  const name = baseName(file.name);
  const known = name.includes('.')
    ? kindOf.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase())
    : undefined;
  if (known) return known;
  const type = file.media_type ?? '';
  const first = type.slice(0, type.indexOf('/'));
  if (first === 'image' || first === 'audio' || first === 'video' || first === 'text') return first;
  return type.startsWith('application/json') ? 'text' : 'other';
}

/** SVG: a picture that could also be a page, so it is only ever shown as a picture. */
export function isDrawing(file: FileFacts): boolean {
  return file.name.toLowerCase().endsWith('.svg') || (file.media_type ?? '').startsWith('image/svg');
}

const icons: Record<Kind, IconName> = {
  image: 'image',
  audio: 'music',
  video: 'film',
  text: 'text',
  archive: 'archive',
  other: 'file',
};

export function icon(thing: Thing): IconName {
  return thing.file ? icons[kind(thing.file)] : 'folder';
}

export function contentOf(file: FileFacts): string {
  return `/v1/files/${encodeURIComponent(file.id)}`;
}

export function inside(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}
