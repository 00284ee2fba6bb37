// SPDX-License-Identifier: Apache-2.0
// What the script in web pages tells the background. Nothing of it is believed more than a page itself would be: who says it is known
// from the browser, not from the message.

export type Told =
  /** Somebody is about to do something. */
  | { do: 'near' }
  /** A link was clicked, and not followed yet. `held`: with the key of the settings. */
  | { do: 'clicked'; url: string; name: string; referrer: string; held: boolean; saves: boolean }
  /** The same, to be left to the browser. */
  | { do: 'pass'; url: string }
  /**
   * A form is being sent: its fields in their order, which the browser does not tell; `upload`: with a file of this device; `small`: what it
   * sends can be told again.
   */
  | { do: 'form'; names: string[]; upload: boolean; small: boolean }
  /** The page's address connects a device. */
  | { do: 'pairing'; address: string };

/** Of `clicked` and `pass`: whether the page has to follow the link itself. */
export interface Decided {
  follow: boolean;
}
