// SPDX-License-Identifier: Apache-2.0

const key = 'restante.files.tiles';

/** Whether files are shown as tiles; this browser remembers it, where it may. */
export function tilesKept(): { readonly on: boolean; turn: () => void } {
  let on = $state(false);
  try {
    on = localStorage.getItem(key) === 'yes';
  } catch {
    // Storage is forbidden here: then it is asked anew each time.
  }
  return {
    get on() {
      return on;
    },
    turn() {
      on = !on;
      try {
        localStorage.setItem(key, on ? 'yes' : 'no');
      } catch {
        // As above.
      }
    },
  };
}
