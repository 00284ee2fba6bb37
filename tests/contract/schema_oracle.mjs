// SPDX-License-Identifier: Apache-2.0
// Reads documents in base64, one a line, and judges each with ajv by the schema given as argument. Prints one JSON
// object a line {"valid", "errors": [schema path...]}, and as the last line {"keywords": {path: {accepted, rejected}}}:
// how often each assertion of the schema let a valid document pass and refused one.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const schema = JSON.parse(readFileSync(process.argv[2], "utf8"));

/** The assertions and the type of value that each looks at; the other keywords only lead to subschemas. */
const ASSERTIONS = {
  type: null, const: null, enum: null, not: null, if: null,
  pattern: "string", minLength: "string", maxLength: "string", format: "string",
  minimum: "number", maximum: "number",
  required: "object", additionalProperties: "object",
  minItems: "array", maxItems: "array", uniqueItems: "array",
};
const BRANCHES = new Set(["properties", "$defs"]);
const LISTS = new Set(["allOf", "prefixItems"]);
const NESTED = new Set(["items", "then"]);
const KNOWN = new Set([...Object.keys(ASSERTIONS), ...BRANCHES, ...LISTS, ...NESTED,
  "$schema", "$id", "$ref", "$comment", "title", "description"]);

const at = new Map();
const keywords = {};
/** Marks every subschema with its place, so that ajv tells which ones a document went through. `if` and `not` turn
 * their contents around: these count as one assertion each. */
function mark(node, path) {
  for (const key of Object.keys(node)) {
    if (!KNOWN.has(key)) throw new Error(`${path}: this test does not know the keyword ${key}`);
    if (key in ASSERTIONS) keywords[`${path}/${key}`] = { accepted: 0, rejected: 0 };
    if (BRANCHES.has(key)) for (const [name, sub] of Object.entries(node[key])) mark(sub, `${path}/${key}/${escape(name)}`);
    if (LISTS.has(key)) node[key].forEach((sub, i) => mark(sub, `${path}/${key}/${i}`));
    if (NESTED.has(key)) mark(node[key], `${path}/${key}`);
  }
  at.set(path, Object.keys(node).filter((key) => key in ASSERTIONS));
  node["x-at"] = path;
}
function escape(name) {
  return name.replace(/~/g, "~0").replace(/\//g, "~1");
}
function kind(data) {
  return data === null ? "null" : Array.isArray(data) ? "array" : typeof data;
}

mark(schema, "#");
let visits = [];
const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, strictTypes: false, strictRequired: false });
ajv.addKeyword({
  keyword: "x-at", schemaType: "string", errors: false,
  validate: (path, data) => { visits.push([path, kind(data)]); return true; },
});
addFormats(ajv);
const validate = ajv.compile(schema);
const utf8 = new TextDecoder("utf-8", { fatal: true });

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const document = JSON.parse(utf8.decode(Buffer.from(line, "base64")));
  visits = [];
  const valid = validate(document);
  const errors = valid ? [] : [...new Set(validate.errors.map((error) => `${error.parentSchema["x-at"]}/${error.keyword}`))];
  for (const path of errors) {
    if (!(path in keywords)) throw new Error(`an error at an unknown place: ${path}`);
    keywords[path].rejected += 1;
  }
  if (valid)
    for (const [path, type] of visits)
      for (const key of at.get(path))
        if (ASSERTIONS[key] === null || ASSERTIONS[key] === type) keywords[`${path}/${key}`].accepted += 1;
  process.stdout.write(JSON.stringify({ valid, errors }) + "\n");
}
process.stdout.write(JSON.stringify({ keywords }) + "\n");
