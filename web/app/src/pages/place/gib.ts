// SPDX-License-Identifier: Apache-2.0

const gib = 2 ** 30;
export const mib = 2 ** 20;

/** What was written as a number of GiB, or of another unit: bytes, null where nothing was written (no limit), undefined where it is no number. */
export function bytesOf(text: string, unit = gib): number | null | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (!trimmed) return null;
  const value = Number(trimmed);
  return Number.isFinite(value) && value >= 0 && value < 1e6 ? Math.round(value * unit) : undefined;
}

export function gibOf(bytes: number | undefined, unit = gib): string {
  return bytes === undefined ? '' : String(Math.round((bytes / unit) * 1000) / 1000);
}
