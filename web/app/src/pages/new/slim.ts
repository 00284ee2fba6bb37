// SPDX-License-Identifier: Apache-2.0

/** The largest thing that a place reads (contract: POST /v1/compose). */
export const mostBytes = 2 * 1024 * 1024;
/** The largest recording that is made smaller here. */
const mostRecorded = 200 * 1024 * 1024;

interface Entry {
  request?: unknown;
  response?: {
    status?: unknown;
    headers?: unknown;
    redirectURL?: unknown;
    content?: { size?: unknown; mimeType?: unknown };
  };
}

/**
 * A recording of a browser (HAR) holds all that was loaded and is soon larger than a place reads. Who asked for what
 * stays; the contents go. Anything else is as it was.
 */
export async function slim(file: Blob): Promise<Blob> {
  if (file.size <= mostBytes || file.size > mostRecorded) return file;
  let read: { log?: { version?: unknown; creator?: unknown; entries?: Entry[] } };
  try {
    read = JSON.parse((await file.text()).replace(/^\uFEFF/, '')) as typeof read;
  } catch {
    return file;
  }
  const entries = read.log?.entries;
  if (!read.log || !Array.isArray(entries)) return file;
  const short = entries.map(({ request, response }) => ({
    request,
    response: {
      status: response?.status,
      headers: response?.headers,
      redirectURL: response?.redirectURL,
      content: { size: response?.content?.size, mimeType: response?.content?.mimeType },
    },
  }));
  const { version, creator } = read.log;
  return new Blob([JSON.stringify({ log: { version, creator, entries: short } })]);
}
