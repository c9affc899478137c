import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { nodeCommand } from '../../../demo/node-command.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { openTun, removePersistentTun, type TunDevice } from '../../../linux/tun.js';
import { packet } from '../../ipip/udp/packets.js';
import { eventually } from '../../support/eventually.js';
import { makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

const name = 'mgy.tun';
const [EIO, EINVAL, EAGAIN, EBADFD] = [5, 22, 11, 77];

interface Opened {
  readonly device: TunDevice;
  readonly packets: Uint8Array[];
  readonly failures: string[];
}

function open(t: ExecutionContext, inside: NetworkNamespace, called = name): Opened {
  const packets: Uint8Array[] = [];
  const failures: string[] = [];
  const device = insideNamespace(inside.path, () =>
    openTun({
      name: called,
      received: bytes => packets.push(bytes.slice()),
      failed: ({ message }) => failures.push(message),
    }),
  );
  t.teardown(() => device.close());
  return { device, packets, failures };
}

const links = (inside: NetworkNamespace) => inside.ip('-o link show');
const remove = (inside: NetworkNamespace) => insideNamespace(inside.path, () => removePersistentTun(name));

function testWithTun(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  test(title, async t => {
    if (existsSync('/dev/net/tun')) await run(t);
    else skip(t, '/dev/net/tun is not on this machine');
  });
}

testWithTun('a device outlives its descriptor, with its routes, and is taken over as it is', async t => {
  const a = makeNamespace(t);
  const first = open(t, a);
  a.ip(`address add 10.1.0.1/32 dev ${name}`);
  a.ip(`link set ${name} up`);
  a.ip(`route add 10.1.0.0/16 dev ${name}`);
  const { device } = first;
  const before = a.ip('-o link show').match(/^(\d+): mgy\.tun/m)?.[1];
  device.close();
  t.true(a.ip('route').includes('10.1.0.0/16'));
  const second = open(t, a);
  t.is(a.ip('-o link show').match(/^(\d+): mgy\.tun/m)?.[1], before);
  spawnSync('ip', ['netns', 'exec', a.name, 'ping', '-c', '1', '-W', '0.1', '10.1.2.3']);
  t.true(await eventually(() => second.packets.some(bytes => bytes[0] === 0x45 && bytes.at(19) === 3)));
  t.deepEqual([first.failures, second.failures], [[], []]);
});

testWithTun('packets are read after the first one, and written, straight', async t => {
  const a = makeNamespace(t);
  const { device, packets } = open(t, a);
  a.ip(`address add 10.1.0.1/32 dev ${name}`);
  a.ip(`link set ${name} up`);
  a.ip(`route add 10.1.0.0/16 dev ${name}`);
  const into = new Uint8Array(2000);
  for (let i = 0; i < 3; i++)
    spawnSync('ip', ['netns', 'exec', a.name, 'ping', '-c', '1', '-W', '0.01', '10.1.2.3']);
  // Nothing was given to the event loop meanwhile: all of it is waiting here.
  const lengths: number[] = [];
  let length = device.read(into);
  for (; length > 0; length = device.read(into)) if (into[0] === 0x45) lengths.push(length);
  t.is(length, -EAGAIN);
  t.deepEqual(lengths, [84, 84, 84]);
  const echo = packet({
    source: '10.1.2.3',
    destination: '10.1.0.1',
    protocol: 1,
    payload: Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0),
  });
  t.is(device.write(echo, echo.length), echo.length);
  t.true(await eventually(() => packets.some(bytes => bytes.at(9) === 1 && bytes.at(20) === 0)));
});

testWithTun('odd packets, a device that is down, one that is deleted: a number, never the end', async t => {
  const a = makeNamespace(t);
  const { device, failures } = open(t, a);
  const good = packet();
  t.is(device.write(good, good.length), -EIO);
  a.ip(`link set ${name} up`);
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(0xf5, ...good.subarray(1))]) {
    t.is(device.write(bytes, bytes.length), -EINVAL);
  }
  t.is(device.write(good, good.length), good.length);
  t.deepEqual(failures, []);
  a.ip(`link delete ${name}`);
  t.is(device.write(good, good.length), -EBADFD);
  t.is(device.read(new Uint8Array(100)), -EBADFD);
  t.true(await eventually(() => failures.length === 1, 1000));
  t.is(device.write(good, good.length), -EBADFD);
});

testWithTun(
  'a device that is served is named with who serves it; one of another kind is left alone',
  async t => {
    const [a, b] = [makeNamespace(t), makeNamespace(t)];
    const { device } = open(t, a);
    const who = {
      code: 'EBUSY',
      message: new RegExp(`^mgy\\.tun is served by .* \\(pid ${process.pid}\\)$`),
    };
    t.throws(() => open(t, a), who);
    t.throws(() => remove(a), who);
    // Somebody else's of the same name, in another namespace.
    b.ip(`link add ${name} type veth peer name other`);
    t.throws(() => open(t, b), { code: 'EINVAL', message: /not a TUN device of our kind/ });
    t.throws(() => remove(b), { code: 'EINVAL' });
    t.true(links(b).includes(name));
    device.close();
    t.true(await eventually(() => remove(a)));
    t.false(links(a).includes(name));
    t.false(remove(a));
  },
);

for (const [wrong, called] of [
  ['an empty name', ''],
  ['a name of 16 bytes', 'sixteen-letters-'],
  ['a name that is short in letters and long in bytes', 'äöüäöüäö'],
] as const) {
  testWithTun(`${wrong} is refused by name`, async t => {
    t.throws(() => open(t, makeNamespace(t), called), { code: 'EINVAL', message: /1 to 15 bytes/ });
  });
}

/** From dist/test/integration/linux. */
const launcher = fileURLToPath(new URL('../../../../bin/margay-udp', import.meta.url));

testWithTun('a missing device node is said with the cure', async t => {
  const check = `${nodeCommand.join(' ')} ${launcher} --check --config /dev/null --state-directory /nonexistent`;
  const gone = spawnSync('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs tmpfs /dev/net && ${check}`], {
    encoding: 'utf8',
  });
  t.is(gone.status, 1);
  t.regex(gone.stderr, /^margay-udp: \/dev\/net\/tun is not there: .*modprobe tun/);
  const here = spawnSync('sh', ['-c', check], { encoding: 'utf8' });
  t.is(here.status, 0, here.stderr);
});
