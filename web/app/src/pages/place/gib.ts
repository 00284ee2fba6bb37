// SPDX-License-Identifier: Apache-2.0

const gib = 2 ** 30;

/** What was written as a number of GiB: bytes, null where nothing was written (no limit), undefined where it is no number. */
export function bytesOf(text: string): number | null | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (!trimmed) return null;
  const value = Number(trimmed);
  return Number.isFinite(value) && value >= 0 && value < 1e6 ? Math.round(value * gib) : undefined;
}

export function gibOf(bytes: number | undefined): string {
  return bytes === undefined ? '' : String(Math.round((bytes / gib) * 1000) / 1000);
}
