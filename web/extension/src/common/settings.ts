// SPDX-License-Identifier: Apache-2.0
import type { Settings } from './model';

/** What no browser shows by itself. Documents, pictures, sound and films are shown: they are the person's choice. */
const EXTENSIONS =
  '7z apk appimage bz2 cab deb dmg exe flatpak gz img iso jar msi pkg qcow2 rar rpm snap tar tgz vdi vmdk xz zip zst';
const TYPES = [
  'application/octet-stream',
  'application/zip',
  'application/gzip',
  'application/x-*',
  'application/vnd.debian.binary-package',
  'application/vnd.android.package-archive',
  'application/vnd.rar',
  'application/java-archive',
  'application/zstd',
  'binary/octet-stream',
];

export const defaults: Settings = {
  capture: 'always',
  key: 'Alt',
  mode: 'ask',
  wish: { place: '', when: { kind: 'now' } },
  whenDown: 'browser',
  night: '02:00',
  extensions: EXTENSIONS.split(' '),
  types: TYPES,
  smallest: 0,
  sites: { which: 'all', only: [], never: [] },
  notify: true,
  trips: [],
};

export async function loadSettings(): Promise<Settings> {
  const { settings } = (await chrome.storage.local.get('settings')) as { settings?: Partial<Settings> };
  return { ...defaults, ...settings };
}

export async function saveSettings(settings: Settings): Promise<void> {
  await chrome.storage.local.set({ settings });
}

/** Calls back with the new ones whenever they change; returns what ends that. */
export function onSettings(listener: (settings: Settings) => void): () => void {
  const hear = (changes: Record<string, chrome.storage.StorageChange>, area: string) => {
    if (area === 'local' && changes['settings']) void loadSettings().then(listener);
  };
  chrome.storage.onChanged.addListener(hear);
  return () => chrome.storage.onChanged.removeListener(hear);
}
