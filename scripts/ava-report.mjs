/**
 * Reads AVA's own report as it streams past and keeps the score that AVA does not print in one line: passed, failed, skipped
 * with their reasons, the slowest tests, and what it says of those that failed. Passed tests are counted one by one, because the
 * closing lines leave them out as soon as one failed.
 *
 * AVA skips tests only when they are defined; one that finds at run time that this machine lacks something says so by logging
 * a line that begins with "SKIP:" (`test/support/skip.ts`). Such a test counts as skipped, never as passed.
 */
export class AvaReport {
  skips = [];
  /** Of each test, in the order they ended: `{ name, outcome: 'passed' | 'failed' | 'skipped', reason? }`; AVA adds to the name of a failed one. */
  outcomes = [];
  /** What AVA says of failures, line by line: as they come (with what the test logged), and in detail at its end. */
  failures = [];
  #ofFailure = false;
  #details;
  #tests = [];
  #passed = 0;
  #failed = 0;
  #rest = '';
  #last;

  feed(chunk) {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  end() {
    this.#line(this.#rest);
    this.#rest = '';
  }

  get passed() {
    return this.#passed - this.skips.filter(skip => skip.atRunTime).length;
  }

  get failed() {
    return this.#failed;
  }

  slowest(count) {
    return this.#tests.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, count);
  }

  #line(line) {
    this.#keepFailure(line);
    const passed = /^\s*✔ (.*?)(?: \(([\dms. ]+)\))?$/.exec(line);
    if (passed !== null) {
      this.#last = passed[1];
      this.#passed++;
      this.outcomes.push({ name: passed[1], outcome: 'passed' });
      if (passed[2] !== undefined) this.#tests.push({ name: passed[1], milliseconds: duration(passed[2]) });
      return;
    }
    const skipped = /^\s*- \[skip\] (.*)$/.exec(line);
    if (skipped !== null) {
      this.#skip(skipped[1], 'switched off in the test file', false);
      return;
    }
    const reason = /^\s*ℹ SKIP: (.*)$/.exec(line);
    if (reason !== null && this.#last !== undefined) {
      // The one that was counted as passed a moment ago.
      this.outcomes.pop();
      this.#skip(this.#last, reason[1], true);
      this.#last = undefined;
      return;
    }
    const failed = /^\s*✘ (?:\[fail\]: (.*))?/.exec(line);
    if (failed !== null) {
      this.#last = undefined;
      if (failed[1] !== undefined) this.outcomes.push({ name: failed[1], outcome: 'failed' });
    }
    this.#summary(line);
  }

  /** AVA says failures in detail between two dividers; where nothing failed, there is one, with the closing lines after it. */
  #keepFailure(line) {
    if (line === '  ─') {
      this.failures.push(...(this.#details ?? []));
      this.#details = [];
      this.#ofFailure = false;
      return;
    }
    if (/^\s*(?:✘ |Uncaught exception|Unhandled rejection)/.test(line)) this.#ofFailure = true;
    else if (/^\s*(?:✔ |- \[skip\] )/.test(line)) this.#ofFailure = false;
    if (this.#ofFailure) this.failures.push(line);
    this.#details?.push(line);
  }

  #skip(name, reason, atRunTime) {
    this.skips.push({ name, reason, atRunTime });
    this.outcomes.push({ name, outcome: 'skipped', reason });
  }

  /** AVA's closing lines: "1 test failed", "1 hook failed", "2 uncaught exceptions", ... */
  #summary(line) {
    const match =
      /^\s{2}(\d+) (?:known |)(tests?|hooks?|uncaught|unhandled|test files?|previous|remaining)\b(.*)$/.exec(
        line,
      );
    if (match === null) return;
    const [, count, , rest] = match;
    if (!/passed|skipped|todo/.test(rest)) this.#failed += Number(count);
  }
}

/** "1m 2.3s", "4.1s" or "120ms" to milliseconds. */
function duration(text) {
  let milliseconds = 0;
  for (const [, value, unit] of text.matchAll(/([\d.]+)(ms|m|s)/g)) {
    milliseconds += Number(value) * { ms: 1, s: 1000, m: 60_000 }[unit];
  }
  return milliseconds;
}
