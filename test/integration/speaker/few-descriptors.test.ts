/** A process that may open no more files lives on, says so, and takes connections again when others have ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';

test('with no descriptor left connections are refused, it is said, and peers get in again afterwards', async t => {
  const script = fileURLToPath(new URL('./few-descriptors-process.js', import.meta.url));
  const child = spawn('sh', ['-c', 'ulimit -n 60; exec "$0" "$1"', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', chunk => {
    output += chunk;
  });
  const [code] = await once(child, 'exit');
  t.is(code, 0, output);
  t.deepEqual(JSON.parse(output), { refused: true, said: 1, again: 'Established' });
});
