// SPDX-License-Identifier: Apache-2.0
// The content server that the browsers meet: remembers each request as it came, over HTTP/1.1 and over HTTP/2.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where all requests of the corpus go to; the ports differ while it is made. */
export const PLAIN = '127.0.0.1:48080';
export const SECURE = '127.0.0.1:48443';

const PAGE = '<!doctype html><meta charset="utf-8"><title>page</title><iframe name="frame"></iframe>';

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'restante-devtools-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
      '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  );
  const made = { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true };
  rmSync(folder, { recursive: true });
  return made;
}

export class Origin {
  /** By the first segment of the path: [request, ...]. */
  seen = new Map();

  static async start() {
    const origin = new Origin();
    const listener = (request, response) => origin.#answer(request, response);
    origin.servers = [http.createServer(listener), http2.createSecureServer(certificate(), listener)];
    for (const server of origin.servers) await new Promise((done) => server.listen(0, '127.0.0.1', done));
    [origin.plain, origin.secure] = origin.servers.map((server) => `127.0.0.1:${server.address().port}`);
    return origin;
  }

  #answer(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const name = request.url.split('/')[1];
      const headers = [];
      for (let i = 0; i < request.rawHeaders.length; i += 2)
        if (!request.rawHeaders[i].startsWith(':')) headers.push([request.rawHeaders[i].toLowerCase(), request.rawHeaders[i + 1]]);
      const one = {
        method: request.method,
        target: request.url,
        version: request.httpVersion,
        headers,
        body: Buffer.concat(parts).toString('base64'),
      };
      if (request.method !== 'OPTIONS') this.seen.set(name, [...(this.seen.get(name) ?? []), one]);
      const page = name === 'page';
      response.writeHead(200, {
        'content-type': page ? 'text/html; charset=utf-8' : 'text/plain',
        'cache-control': 'no-store',
        'access-control-allow-origin': request.headers.origin ?? '*',
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
      });
      response.end(page ? PAGE : 'ok\n');
    });
  }

  stop() {
    for (const server of this.servers) server.close();
  }

  /** The text as it stands in the corpus. */
  settled(text) {
    return text.replaceAll(this.plain, PLAIN).replaceAll(this.secure, SECURE);
  }
}
