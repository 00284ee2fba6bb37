// SPDX-License-Identifier: Apache-2.0
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

/** The closing line that the runner of all stages counts: how many passed, and that nothing was skipped. */
export default class Tally implements Reporter {
  private readonly count = new Map<string, number>();

  onTestEnd(test: TestCase, result: TestResult): void {
    const final = result.status === test.expectedStatus ? 'passed' : result.status;
    const key = result.status === 'skipped' ? 'skipped' : final;
    this.count.set(key, (this.count.get(key) ?? 0) + 1);
  }

  onEnd(): void {
    const parts = [...this.count].map(([what, count]) => `${count} ${what}`);
    console.log(`flows: ${parts.join(', ')}`);
  }
}
