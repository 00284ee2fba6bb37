// SPDX-License-Identifier: Apache-2.0
// npm's jose as one of the peers of test_matrix.py: a JSON object a line in, one a line out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(new URL("../contract/package.json", import.meta.url));
const jose = await import(require.resolve("jose"));
const bytes = (text) => new TextEncoder().encode(text);
const text = (plain) => new TextDecoder().decode(plain);

const operations = {
  async sign({ key, kid, text: payload, typ }) {
    const signer = new jose.CompactSign(bytes(payload)).setProtectedHeader({ alg: "ES256", kid, typ });
    return signer.sign(await jose.importJWK(key, "ES256"));
  },
  async seal({ recipient, kid, text: inner, exp, form }) {
    const key = await jose.importJWK(recipient, "ECDH-ES+A256KW");
    const header = { alg: "ECDH-ES+A256KW", enc: "A256GCM", kid };
    const whole = { ...header, typ: "vnd.restante.sealed+json", cty: "vnd.restante.proxy+jws", exp };
    if (form === "compact") return new jose.CompactEncrypt(bytes(inner)).setProtectedHeader(header).encrypt(key);
    if (form === "json")
      return JSON.stringify(await new jose.FlattenedEncrypt(bytes(inner)).setProtectedHeader(whole).encrypt(key));
    const { alg, kid: name, ...shared } = whole;
    const general = new jose.GeneralEncrypt(bytes(inner)).setProtectedHeader(shared);
    return JSON.stringify(await general.addRecipient(key).setUnprotectedHeader({ alg, kid: name }).encrypt());
  },
  async open({ key, text: document }) {
    const ours = await jose.importJWK(key, "ECDH-ES+A256KW");
    const options = { keyManagementAlgorithms: ["ECDH-ES+A256KW"], contentEncryptionAlgorithms: ["A256GCM"] };
    if (!document.startsWith("{")) return text((await jose.compactDecrypt(document, ours, options)).plaintext);
    const whole = JSON.parse(document);
    const decrypt = whole.recipients ? jose.generalDecrypt : jose.flattenedDecrypt;
    return text((await decrypt(whole, ours, options)).plaintext);
  },
  async verify({ device, text: jws }) {
    const key = await jose.importJWK(device, "ES256");
    return text((await jose.compactVerify(jws, key, { algorithms: ["ES256"] })).payload);
  },
  async document(asked) {
    const sealed = asked.text.startsWith("{") || asked.text.split(".").length === 5;
    return operations.verify({ ...asked, text: sealed ? await operations.open(asked) : asked.text });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    console.log(JSON.stringify({ out: await operations[asked.op](asked) }));
  } catch (error) {
    console.log(JSON.stringify({ refused: error.code ?? error.name, message: String(error.message) }));
  }
}
