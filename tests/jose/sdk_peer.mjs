// SPDX-License-Identifier: Apache-2.0
// Our TypeScript (web/sdk) as one of the peers of test_matrix.py: sdk_peer.mjs FOLDER bundles it into FOLDER, then a
// JSON object a line in, one a line out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import path from "node:path";

const web = new URL("../../web/", import.meta.url);
const require = createRequire(new URL("app/package.json", web));
const { build } = await import(pathToFileURL(require.resolve("vite")).href);
const sdk = (name) => fileURLToPath(new URL(`sdk/src/${name}.ts`, web));
const folder = process.argv[2];
await build({
  configFile: false,
  logLevel: "error",
  build: { lib: { entry: { jose: sdk("jose"), device_key: sdk("device_key") }, formats: ["es"], fileName: (_, entry) => `${entry}.mjs` }, outDir: folder, target: "es2022", minify: false },
});
const load = (name) => import(pathToFileURL(path.join(folder, `${name}.mjs`)).href);
const jose = await load("jose");
const { signingKey } = await load("device_key");

async function pair(jwk, algorithm, usages) {
  const { d, ...shared } = jwk;
  const named = { name: algorithm, namedCurve: "P-256" };
  return {
    privateKey: await crypto.subtle.importKey("jwk", jwk, named, false, usages),
    publicKey: await crypto.subtle.importKey("jwk", shared, named, true, algorithm === "ECDSA" ? ["verify"] : []),
  };
}

const operations = {
  async sign({ key, text, typ }) {
    return jose.signCompact(await signingKey(await pair(key, "ECDSA", ["sign"])), text, typ);
  },
  async seal({ recipient, text, exp, form }) {
    return jose.sealFor(jose.publicJwk(recipient), text, exp, form);
  },
  async open({ key, text, now }) {
    const { d, ...shared } = key;
    const { privateKey } = await pair(key, "ECDH", ["deriveBits"]);
    return jose.openSealed(text, { jwk: jose.publicJwk(shared), privateKey }, now);
  },
  async verify({ device, text }) {
    return jose.verifyCompact(text, jose.publicJwk(device), jose.SIGNED_TYPE);
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
    if (!error.reason) throw error;
    console.log(JSON.stringify({ refused: error.reason, message: error.message }));
  }
}
