// SPDX-License-Identifier: Apache-2.0
// A browser that is asked by lines of JSON, from wherever its network namespace is (tests/bed/browser.py).
import { createInterface } from 'node:readline';

/** Answers each line {"do": NAME, ...} by what `handlers[NAME]` returns, until stdin ends; the first line out is `ready`. */
export async function serve(ready, handlers) {
  console.log(JSON.stringify(ready));
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: what, ...given } = JSON.parse(line);
    let said;
    try {
      said = { value: (await handlers[what](given)) ?? null };
    } catch (error) {
      said = { error: String(error) };
    }
    console.log(JSON.stringify(said));
  }
}
