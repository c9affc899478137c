/** What iptables-restore and ipset say when they fail (pure). Their words differ by version and backend; these are common to 1.8 and 7. */

/** Another program holds the lock, or the kernel has no memory now: nothing is wrong with the input. */
export function saysBusy(stderr: string): boolean {
  return /xtables lock|Can't lock|Resource temporarily unavailable|Cannot allocate memory/i.test(stderr);
}

/**
 * The line of the input that is named, from 1. The legacy variant names the line of COMMIT where the kernel refuses the table: whoever looks
 * it up finds no rule there.
 */
export function refusedLine(stderr: string): number | undefined {
  const line = /Error occurred at line: (\d+)|[Ll]ine (\d+)\b/.exec(stderr);
  return line === null ? undefined : Number(line[1] ?? line[2]);
}

/** One line for people: what was said, without the program's name and without advice. */
export function refusedReason(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map(line => line.replace(/^ip6?tables(?:-nft|-legacy)?-restore(?: v[\d.]+)?(?: \(\w+\))?: ?/, ''))
    .map(line => line.replace(/^ipset v[\d.]+: /, '').trim())
    .filter(line => line !== '' && !/^(Try|Error occurred)/.test(line));
  const [reason = 'it failed without a word'] = lines;
  return /^line \d+ failed$/.test(reason) ? 'the kernel refuses it (Invalid argument)' : reason;
}
