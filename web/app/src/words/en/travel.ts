// SPDX-License-Identifier: Apache-2.0
export const travel = {
  title: 'Ask without a connection',
  intro:
    'This browser can make requests by itself and keep them until your place can be reached. It makes a key of its own, which never leaves it, and your place gets to know it; it ends when you sign out.',
  begin: 'Let this browser make requests',
  notYet: 'This browser cannot make requests yet',
  notYetText: 'Sign in once while your place can be reached; then it works without a connection.',
  signIn: 'Sign in',
  insecure: 'This needs a secure connection',
  insecureText: 'Open your place by an address that begins with https.',
  reached: (place: string) => `${place} can be reached: requests go at once.`,
  away: (place: string) =>
    `${place} cannot be reached. Requests are sealed, kept here, and sent when it is there again.`,
  address: 'Address of the file',
  wrong: 'This is not a whole address. It begins with https:// or http://.',
  name: 'Name (if it is to have another one)',
  folder: 'Folder in my files',
  start: 'Begin at',
  clocks: (zone: string) => `By the clocks of your place (${zone}). Empty: at once.`,
  ask: 'Ask for it',
  waiting: 'Not sent yet',
  otherWay: 'Send another way',
  drop: 'Forget',
  link: 'Whichever device opens this link where your place can be reached hands the request over. Nobody but your place can read it.',
  linkLabel: 'Link with the sealed request',
  went: (count: number) =>
    count === 1 ? 'The request that waited was sent.' : `${count} requests that waited were sent.`,
  handOver: {
    accepted: 'The request is here',
    acceptedText: (place: string) =>
      `${place} has taken it, and does it at its time. This page can be closed.`,
    here: 'It was here already',
    hereText: (place: string) => `${place} had taken this request before; nothing is done twice.`,
    look: 'Look at the downloads',
    refused: 'The request was not taken',
    nothing: 'There is no request in this address',
    nothingText: 'Open the whole link: what stands behind the # belongs to it.',
  },
};
