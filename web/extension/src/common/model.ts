// SPDX-License-Identifier: Apache-2.0
// What the parts of the extension tell each other, and what it keeps.

/** A place that this browser is connected to. */
export interface ConnectedPlace {
  /** Thumbprint of its identity key: what the place is known by. */
  jkt: string;
  /** "https://home.example:8470". */
  url: string;
  name: string;
  tz: string;
  /** The account there. */
  account: string;
  /** Its keys, signed by its identity key. */
  keys: string;
  /** The place does not know this browser any more: it has to be connected again. */
  ended?: boolean;
}

/** A stay near a place. Instants in milliseconds since 1970. */
export interface Trip {
  id: string;
  /** Thumbprint of the place. */
  place: string;
  from: number;
  until: number;
}

/** When it is to be fetched; wall times ("2026-12-01T02:00") are meant on the place's clocks. */
export type When =
  { kind: 'now' } | { kind: 'tonight' } | { kind: 'at'; wall: string } | { kind: 'by'; wall: string };

/** Where and when somebody wants something. */
export interface Wish {
  /** Thumbprint of a place, or 'trip': the place of the trip under way or else the next one. */
  place: string;
  when: When;
  /** As the file is to be called; empty: as its server says. */
  name?: string;
  folder?: string;
}

export type Key = 'Alt' | 'Control' | 'Shift' | 'Meta';

export interface Settings {
  /** 'always': what the rules name; 'key': only what is clicked while the key is held; 'off': nothing. */
  capture: 'always' | 'key' | 'off';
  /** With 'always' it does the opposite: the browser downloads as usual. */
  key: Key;
  /** 'ask': where and when is asked each time; 'send': nothing is asked, `wish` is taken. */
  mode: 'ask' | 'send';
  wish: Wish;
  /** When the place cannot be reached: the browser downloads as usual, or the request waits here. */
  whenDown: 'browser' | 'wait';
  /** What 'tonight' means: "02:00". */
  night: string;
  /** Extensions without the dot, lower case: what ends like this is captured before it is asked for. */
  extensions: string[];
  /** Media types; "application/*" takes all of a kind. What comes with Content-Disposition: attachment is always taken. */
  types: string[];
  /** What is known to be smaller is left to the browser. Bytes; 0: no limit. */
  smallest: number;
  /** 'all' but `never`, or only those of `only`. Host names; subdomains are meant, too. */
  sites: { which: 'all' | 'only'; only: string[]; never: string[] };
  /** Tell when a download is there. */
  notify: boolean;
  trips: Trip[];
}

/** Something captured that waits for a person's choice, as it may be shown. */
export interface Asked {
  id: string;
  /** Without query and user information. */
  url: string;
  name: string;
  /** Bytes, if the server said so. */
  size?: number;
  /** Host names that secrets (cookies, sign-ins) go along for. */
  secrets: string[];
  /** The page it was asked for from: its host. */
  from: string;
  /** What was sent along is too much, or a file: only the browser can download it. Empty: no. */
  cannot: '' | 'body' | 'upload';
  at: number;
}

/** A request that is made and not at its place yet. */
export interface Waiting {
  id: string;
  label: string;
  /** Thumbprint of the place. */
  place: string;
  made: number;
  /** A reason's code (contract/reasons.yaml): the place refused it, and a person has to decide. */
  refused?: string;
  /** What the place said, for people. */
  detail?: string;
}

/** All that the pages show and that does not come from a place. */
export interface State {
  settings: Settings;
  places: ConnectedPlace[];
  /** Thumbprints of the places that answered lately. */
  reached: string[];
  asked: Asked[];
  waiting: Waiting[];
  /** A connecting address that was opened in a tab, waiting for a yes. */
  offered?: { origin: string };
  /** The page in front: its host, and whether its downloads are captured. */
  site?: { host: string; captured: boolean };
}
