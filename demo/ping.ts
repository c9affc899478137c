/** SHELL: pings that go on until they are ended, and how many of them came back. */
import { spawn } from 'node:child_process';

export interface PingScore {
  readonly sent: number;
  readonly received: number;
}

/** So long an answer may take. */
const ON_ITS_WAY_SECONDS = 0.1;

/**
 * Pings from inside a network namespace until it is sent SIGINT. One that is on its way then has not been sent, so to speak: nobody waits
 * for its answer.
 *
 * @param words of ping's own: the target, and options
 */
export function startPing(namespace: string, words: readonly string[], intervalSeconds: number) {
  const ping = ['netns', 'exec', namespace, 'ping', '-n', '-i', `${intervalSeconds}`, ...words];
  const child = spawn('ip', ping, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const score = new Promise<PingScore>(resolve => {
    child.on('close', () => {
      const [, sent = '0', received = '0'] =
        /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output) ?? [];
      const last = [...output.matchAll(/ icmp_seq=(\d+) ttl=/g)].at(-1)?.[1] ?? 0;
      const onTheirWay = Math.ceil(ON_ITS_WAY_SECONDS / intervalSeconds);
      const unanswered = Math.min(Number(sent) - Number(last), onTheirWay);
      resolve({ sent: Number(sent) - unanswered, received: Number(received) });
    });
  });
  return { child, score };
}
