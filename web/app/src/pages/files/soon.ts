// SPDX-License-Identifier: Apache-2.0

const pause = 300;

/** Runs `work` soon after it was asked for; what is asked for many times within a moment is done once. */
export function soon(work: () => Promise<void>): { (): void; drop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  const run = () => {
    timer = undefined;
    last = Date.now();
    void work();
  };
  const ask = () => {
    if (timer !== undefined) return;
    timer = setTimeout(run, Date.now() - last > pause ? 0 : pause);
  };
  return Object.assign(ask, {
    drop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  });
}
