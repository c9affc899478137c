/** Go's durations, as Calico's documents write them. */

/** Go's duration text ("1m30s", "90s", "1500ms") in seconds; undefined if malformed. */
export function durationSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return undefined;
  const unit: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  let seconds = 0;
  for (const match of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) {
    seconds += Number(match[1]) * (unit[match[2] as string] as number);
  }
  return seconds;
}
