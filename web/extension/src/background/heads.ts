// SPDX-License-Identifier: Apache-2.0
// What the head of an answer says of the content.

export interface Head {
  /** Media type without parameters, lower case; empty: none. */
  type: string;
  /** Content-Disposition says attachment. */
  attachment: boolean;
  /** As it may be shown; the place reads the name itself. */
  label: string;
  size?: number;
}

type Header = chrome.webRequest.HttpHeader;

function field(headers: Header[], name: string): string {
  return headers.find((one) => one.name.toLowerCase() === name)?.value ?? '';
}

/** RFC 6266 as far as a label needs it. */
function nameIn(disposition: string): string {
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  if (extended)
    try {
      return decodeURIComponent(extended);
    } catch {
      return '';
    }
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return (plain?.[1]?.replaceAll(/\\(.)/g, '$1') ?? plain?.[2] ?? '').split(/[\\/]/).pop() ?? '';
}

export function readHead(headers: Header[] | undefined): Head {
  const all = headers ?? [];
  const disposition = field(all, 'content-disposition');
  const length = field(all, 'content-length');
  return {
    type: field(all, 'content-type').split(';')[0]!.trim().toLowerCase(),
    attachment: /^\s*attachment\b/i.test(disposition),
    label: nameIn(disposition),
    ...(/^\d{1,15}$/.test(length) ? { size: Number(length) } : {}),
  };
}
