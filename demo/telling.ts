/** What a demo says as it goes: each line with its time, what is checked and failed counted. */

const began = performance.now();
const failures: string[] = [];

export function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

export function show(text: string): void {
  process.stdout.write(`${text.trimEnd().replaceAll(/^/gm, '         ')}\n`);
}

export function check(what: string, ok: boolean): void {
  say(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
  if (!ok) failures.push(what);
}

/** Nothing of the story that has not been told yet can be checked. */
export function failed(error: unknown): void {
  failures.push(error instanceof Error ? error.message : String(error));
  say(`FAIL ${failures.at(-1)}`);
}

/** How many of what was to be checked are not as they should be. */
export function failureCount(): number {
  return failures.length;
}
