// SPDX-License-Identifier: Apache-2.0
export const browse = {
  title: {
    page: 'What this page has',
    index: 'What this folder has',
    folder: 'What this folder has',
    metalink: 'What this Metalink has',
    file: 'What is there',
  } as Record<string, string>,
  asking: 'Looking what it has…',
  back: (to: string) => `Back to ${to}`,
  hint: 'Tick what you want; it is sent as one request. Without a tick the address itself is fetched.',
  depth: 'How deep',
  depths: { 0: 'This folder only', 8: 'With the folders below' } as Record<number, string>,
  filter: 'Show only',
  filterHint: 'Part of a name, or a pattern: *.mp4, week?.pdf, slides/**',
  all: 'All',
  none: 'None',
  allShown: (count: number) => `Choose all ${count} that are shown by the field above`,
  noneAtAll: 'Choose none',
  nothing: 'It offers nothing to download.',
  nothingFits: 'Nothing here fits that.',
  count: (count: number, of: number) =>
    count === of ? `${things(of)} here.` : `${count} of ${things(of)} here.`,
  chosen: (count: number, together: string, unknown: number) => {
    if (count === 0) return 'Nothing ticked.';
    if (!together) return `${count} ticked; how large they are is not told.`;
    if (unknown > 0) return `${count} ticked, ${together} together and ${unknown} whose size is not told.`;
    return `${count} ticked, ${together} together.`;
  },
  kinds: { file: 'file', media: 'picture, sound or film', page: 'page', folder: 'folder' } as Record<
    string,
    string
  >,
  sizeUnknown: 'size not told',
  inFolder: (folder: string) => `in ${folder}`,
  from: (server: string) => `from ${server}`,
  inside: 'Look inside',
  insideOf: (name: string) => `Look inside ${name}`,
  more: (count: number) => `Show ${count} more`,
  incomplete: 'This is not all that is there.',
  parts: (count: number) => `These are too many for one request: they are sent as ${count}.`,
  part: (title: string, part: number, of: number) => `${title} (part ${part} of ${of})`,
};

function things(count: number): string {
  return count === 1 ? 'one thing' : `${count} things`;
}
