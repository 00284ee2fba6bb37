// SPDX-License-Identifier: Apache-2.0
// What the pages ask for. Each runs in the page, with its own folder `at` of the content server.

const get = (path) => ({ path });
const post = (body, type = 'text/plain;charset=UTF-8') => ({ path: 'post', method: 'POST', body, headers: { 'content-type': type } });
const header = (name, value) => ({ path: 'header', headers: { [name]: value } });
const cookie = (text) => ({ path: 'cookie', cookie: text });
const form = (attributes, fields) => ({ form: { method: 'post', action: 'form', ...attributes }, fields });

export const cases = {
  plain: get('file.bin'),
  deep: get('a/b/c/archive.tar.gz'),
  query: get('download?id=42&token=a1b2c3'),
  'query-empty': get('download?'),
  'query-only-names': get('download?a&b&c='),
  'query-plus': get('download?q=one+two&r=three%20four'),
  'query-quotes': get('download?q=\'single\'&r="double"'),
  'query-percent': get('download?rate=100%&x=%zz&y=%25'),
  'query-shell': get('download?q=$HOME`id`$(id)!$!&x=;|<>'),
  'query-caret': get('download?q=^a^^b&c=^'),
  'query-backslash': get('download?q=a\\b\\\\c'),
  'query-brackets': get('download?ids[]=1&ids[]=2&map{a}=[x]'),
  'path-brackets': get('season[1]/part{2}/file(3).bin'),
  'path-quotes': get("it's/a file.bin"),
  'path-percent': get('100%25/%E2%82%AC/%2F.bin'),
  'path-unicode': get('Übersicht/日本語 файл.bin'),
  'path-signs': get("!$&'()*+,;=:@~-._/x"),
  'path-caret': get('a^b|c`d/e'),
  'path-doubled': get('a//b///c'),
  'path-dots': get('a/../b/./c'),
  'query-unicode': get('download?q=grüße&r=日本'),
  'query-url': get('download?next=https://user@host.example:8443/a?b=c%26d'),
  'query-percent-name': get('download?%PATH%=%USERNAME%'),
  'query-at': get('download?@file&=x'),
  fragment: get('file.bin#part-2'),
  'header-plain': header('x-plain', 'value'),
  'header-empty': header('x-empty', ''),
  'header-quotes': header('x-quotes', `it's "quoted"`),
  'header-shell': header('x-shell', '$HOME `id` $(id) !! \\ ; | & < > * ?'),
  'header-percent': header('x-percent', '%PATH% 100% %%'),
  'header-caret': header('x-caret', '^ ^^ "^" %^PATH%^'),
  'header-backslash': header('x-backslash', 'C:\\dir\\"quoted\\"\\'),
  'header-colon': header('x-colon', 'a: b; c=d, e'),
  'header-latin': header('x-latin', 'é ü'),
  'header-tab': header('x-tab', 'a\tb'),
  'header-accept': header('accept', 'application/octet-stream;q=0.9, */*;q=0.1'),
  'header-language': header('accept-language', 'fr-CA, fr;q=0.8'),
  'header-bearer': header('authorization', 'Bearer abc.def-ghi_123'),
  'header-basic': header('authorization', 'Basic dXNlcjpwYXNzOndvcmQ='),
  'header-scheme': header('authorization', 'Token token="x\'y"'),
  'header-requested-with': header('x-requested-with', 'XMLHttpRequest'),
  'header-brackets': header('x-brackets', '[a] {b} [1-3]'),
  'header-braces': header('x-json', '{"a":"b\\n"}'),
  'header-many': { path: 'header', headers: { 'x-one': '1', 'x-two': '2', 'x-three': '3', 'x-csrf-token': 'abc==' } },
  'cookie-one': cookie('session=abc123'),
  'cookie-quotes': cookie('quoted="a b"'),
  'cookie-apostrophe': cookie("name=it's"),
  'cookie-signs': cookie('signs=a&b|c<d>e^f!g$h`i'),
  'cookie-percent': cookie('value=%20%PATH%'),
  'cookie-equals': cookie('value=a=b==c'),
  'cookie-empty': cookie('empty='),
  'cookie-backslash': cookie('path=C:\\dir\\'),
  'cookie-comma': cookie('list=a,b,c'),
  'cookie-json': cookie('json={"a":[1,2]}'),
  'cookie-space': cookie('spaced=a b  c'),
  'cookie-unicode': cookie('name=grüße'),
  'cookies-many': { path: 'cookie', cookies: ['a=1', 'b=2', 'c=3', '_ga=GA1.2.3'] },
  'cookies-none': { path: 'cookie', credentials: 'omit' },
  'post-form': post('a=1&b=two+words&c=%26', 'application/x-www-form-urlencoded'),
  'post-json': post('{"id": 1, "name": "x"}', 'application/json'),
  'post-json-quotes': post(`{"a": "it's", "b": "\\"q\\"", "c": "\\\\"}`, 'application/json'),
  'post-lines': post('one\ntwo\nthree\n'),
  'post-crlf': post('one\r\ntwo\r\n\r\nthree'),
  'post-tab': post('a\tb\tc'),
  'post-quotes': post(`'single' "double" ''"" '`),
  'post-shell': post('$HOME `id` $(id) ${x} !! \\ ; | & < > * ? ~ #'),
  'post-bang': post("wow! it's 'great'!"),
  'post-percent': post('%PATH% 100% %% %1 %~dp0'),
  'post-caret': post('^ ^^ ^" "^" ^& a^b\n^'),
  'post-backslash': post('C:\\dir\\file \\" \\\\" \\\\\\" \\'),
  'post-unicode': post('grüße 日本語 Ω'),
  'post-emoji': post('\u{1F600} \u{1F469}\u200D\u{1F680}'),
  'post-separators': post('a\u2028b\u2029c\u00a0d\u0085e'),
  'post-control': post('a\u0001b\u001bc\u007fd'),
  'post-digits-behind': post('a\u00e91\u00e9f\u0001' + '23'),
  'post-at': post('@file.txt'),
  'post-dash': post('--data x'),
  'post-equals': post('=value'),
  'post-empty': post(''),
  'post-space': post(' '),
  'post-newline-only': post('\n'),
  'post-brackets': post('a[]=1&a[]=2&{b}=[3]', 'application/x-www-form-urlencoded'),
  'post-long': post('0123456789abcdef'.repeat(600)),
  'post-ampersands': post('a&b&&c&', 'application/x-www-form-urlencoded'),
  'post-xml': post('<?xml version="1.0"?>\n<a b="c">d\'e</a>\n', 'application/xml'),
  'post-graphql': post('{"query":"query($id: ID!) { file(id: $id) { url } }","variables":{"id":"1"}}', 'application/json'),
  'post-no-type': { path: 'post', method: 'POST', body: 'text' },
  'post-nothing': { path: 'post', method: 'POST' },
  'post-query': { path: 'post?x=[1]&y=%', method: 'POST', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  'post-cookie': { path: 'post', method: 'POST', body: 'a=b', cookie: 'session=abc', headers: { 'x-csrf-token': 't' } },
  'post-parameters': { path: 'post', method: 'POST', parameters: [['a b', 'c&d'], ['e', 'ü'], ['f', "'"]] },
  'post-multipart': { path: 'post', method: 'POST', multipart: [['a', 'one'], ['b', "it's\r\ntwo"], ['c', 'grüße']] },
  'post-binary': { path: 'post', method: 'POST', bytes: [0, 1, 2, 127, 128, 255, 13, 10, 39, 34] },
  'post-bytes-text': { path: 'post', method: 'POST', bytes: [104, 105, 10, 33] },
  'form-get': form({ method: 'get' }, [['q', 'a b'], ['r', "it's"]]),
  'form-post': form({}, [['user', 'anna'], ['note', "it's 100% \"fine\" & more"]]),
  'form-lines': form({}, [['text', 'one\r\ntwo']]),
  'form-unicode': form({}, [['name', 'Ünï 日本']]),
  'form-multipart': form({ enctype: 'multipart/form-data' }, [['a', 'one'], ['b', '$HOME "x"']]),
  'form-text': form({ enctype: 'text/plain' }, [['a', 'one two'], ['b', 'x=y']]),
};

/** Asked for over HTTP/2 too. */
export const secure = ['plain', 'query', 'query-brackets', 'header-plain', 'header-empty', 'header-bearer', 'cookie-one', 'cookies-many',
  'cookie-signs', 'post-form', 'post-json', 'post-lines', 'post-multipart', 'form-post', 'post-unicode'];

/** In the page: does one case. */
export async function run({ at, one }) {
  for (const text of [one.cookie, ...(one.cookies ?? [])].filter(Boolean)) document.cookie = `${text}; path=${new URL(at).pathname}`;
  if (one.form) {
    const made = Object.assign(document.createElement('form'), one.form, { action: at + one.form.action, target: 'frame' });
    for (const [name, value] of one.fields) {
      const field = document.createElement('textarea');
      [field.name, field.value] = [name, value];
      made.append(field);
    }
    document.body.append(made);
    const loaded = new Promise((done) => document.querySelector('iframe').addEventListener('load', done, { once: true }));
    made.submit();
    await loaded;
    made.remove();
    return;
  }
  let { body } = one;
  if (one.parameters) body = new URLSearchParams(one.parameters);
  if (one.bytes) body = new Uint8Array(one.bytes);
  if (one.multipart) {
    body = new FormData();
    for (const [name, value] of one.multipart) body.append(name, value);
  }
  const answer = await fetch(at + one.path, { method: one.method, headers: one.headers, body, credentials: one.credentials ?? 'include' });
  await answer.text();
}
