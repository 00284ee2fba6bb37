// SPDX-License-Identifier: Apache-2.0
// What the background says: in notifications, menus and troubles.
export const words = {
  unreachable: {
    reason: 'unreachable',
    message: 'The place cannot be reached.',
    hint: 'See that it runs, that this network leads to it, and that this browser trusts its certificate (open PLACE/trust).',
  },
  refused: 'The place refused it.',
  failed: 'That did not work.',
  wrongKeys: 'What answers there is not the place that this browser is connected to.',
  connectAgain: 'Ask for a new connecting address at the place, and connect again.',
  noAddress: {
    reason: 'invalid',
    message: 'This is not a connecting address.',
    hint: 'At the place, “Connect a device” shows one; it begins with https:// and has #k= in it.',
  },
  otherServer: {
    reason: 'tls',
    message: 'Another server answers there than the address is from.',
    hint: 'Nothing was told to it. Ask for a new connecting address at the place.',
  },
  otherOffered: {
    reason: 'changed',
    message: 'Another page has offered an address since.',
    hint: 'Read again whose address it is, and say yes only if it is yours.',
  },
  noPlace: {
    reason: 'not-found',
    message: 'This browser is not connected to that place.',
    hint: 'Connect it in the options.',
  },
  noTrip: {
    reason: 'not-found',
    message: 'There is no trip, or its place is not connected.',
    hint: 'Add the trip in the options, or choose a place.',
  },
  noWebAddress: {
    reason: 'scheme',
    message: 'Only addresses that begin with http:// or https:// can be sent.',
    hint: '',
  },
  notATime: { reason: 'invalid', message: 'This is not a date and time.', hint: 'Choose both.' },
  gone: { reason: 'not-found', message: 'It is not here any more.', hint: '' },
  noAnswer: { reason: 'internal', message: 'The place gave an answer that cannot be read.', hint: '' },
  tooLong: (bytes: number) => ({
    reason: 'too-large',
    message: `What this browser sends along is more than a request can carry (${bytes} bytes).`,
    hint: 'Download it in the browser.',
  }),
  tooManyWait: {
    reason: 'quota',
    message: 'Too many requests wait in this browser already.',
    hint: 'See whether their place can be reached, or give some of them up.',
  },
  cannot: {
    body: 'it sends more along than a request can carry',
    upload: 'it sends a file of this device along',
  },
  menu: {
    link: 'Send this link to a place',
    page: 'Send this page to a place',
    media: 'Send this picture, sound or film to a place',
    selection: 'Send the addresses that are marked',
  },
  sentTitle: (name: string) => `${name} is on its way`,
  sentText: (place: string) => `${place} downloads it and keeps it for you.`,
  askTitle: (name: string) => `${name} was not downloaded`,
  askText: 'Choose where and when it is wanted.',
  fullTitle: 'Too many downloads at once',
  fullText: (most: number) =>
    `${most} wait for your choice. More that pages begin are not taken until you have chosen or dropped some.`,
  waitsTitle: (name: string) => `${name} waits in this browser`,
  waitsText: (place: string) => `${place} cannot be reached. It is sent as soon as it can.`,
  hereTitle: (name: string) => `The browser downloads ${name}`,
  hereText: (why: string) => `As usual, because ${why}.`,
  hereUnreachable: 'the place cannot be reached',
  refusedTitle: (name: string) => `${name} was refused`,
  doneTitle: (name: string) => `${name} is there`,
  doneText: (place: string) => `${place} keeps it. Click to get it.`,
  failedTitle: (name: string) => `${name} could not be downloaded`,
  failedText: 'Click to see why.',
  badge: (asked: number, refused: number, waiting: number) =>
    asked + refused > 0 ? String(asked + refused) : waiting > 0 ? String(waiting) : '',
};
