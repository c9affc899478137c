/** What `tcpdump` sees on an interface of a namespace while something is done, a line a packet. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** The last packets come through its buffers in this. */
const AFTERWARDS_MS = 300;

/** @param filter as tcpdump takes it, by words */
export async function dumped(
  namespace: string,
  interfaceName: string,
  filter: readonly string[],
  what: () => Promise<unknown>,
): Promise<readonly string[]> {
  const command = ['netns', 'exec', namespace, 'tcpdump', '-i', interfaceName, '-nn', '-l', '-U', ...filter];
  const dump = spawn('ip', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  dump.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    dump.on('error', reject);
    dump.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (chunk.includes('listening on')) resolve();
    });
  });
  await what();
  await sleep(AFTERWARDS_MS);
  dump.kill('SIGINT');
  await new Promise(resolve => dump.on('close', resolve));
  return text.split('\n');
}
