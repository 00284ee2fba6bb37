// SPDX-License-Identifier: Apache-2.0
/** Seconds that are left of a wait, counted down to 0 while it is looked at. */
export class Countdown {
  left = $state(0);
  #ticking: ReturnType<typeof setInterval> | undefined;

  begin(seconds: number): void {
    this.stop();
    const end = Date.now() + seconds * 1000;
    this.left = Math.ceil(seconds);
    this.#ticking = setInterval(() => {
      this.left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      if (this.left === 0) this.stop();
    }, 250);
  }

  stop(): void {
    clearInterval(this.#ticking);
    this.left = 0;
  }
}
