// SPDX-License-Identifier: Apache-2.0
// The reference library of Standard Webhooks as an oracle: each line of standard input is {"secret", "headers",
// "body"}; a line of standard output says "ok" or why the library refuses it.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (error) {
    console.log(String(error.message ?? error));
  }
}
