import test from 'ava';
import { UsageError } from '../../bgpctl/command.js';
import { parseCargo, parseTarget } from '../../bgpctl/packet-argument.js';

test('names and addresses, with and without what the packet carries', t => {
  const cases = [
    ['shop/db', 'shop/db', undefined],
    ['shop/db:5432/tcp', 'shop/db', { port: '5432/tcp' }],
    ['db:53/UDP', 'db', { port: '53/udp' }],
    ['10.65.0.2', '10.65.0.2', undefined],
    ['10.65.0.2:icmp/3/4', '10.65.0.2', { icmp: '3/4' }],
    ['fd00::1', 'fd00::1', undefined],
    ['[fd00::1]', 'fd00::1', undefined],
    ['[fd00::1]:443/tcp', 'fd00::1', { port: '443/tcp' }],
    ['[fd00::1]:icmp/128', 'fd00::1', { icmp: '128' }],
  ] as const;
  for (const [text, to, cargo] of cases) t.deepEqual(parseTarget(text), { to, cargo }, text);
});

test('what makes no sense is a usage error', t => {
  for (const text of [
    'shop/db:5432',
    'db:0/tcp',
    'db:65536/tcp',
    'db:80/ipip',
    'db:icmp/256',
    'db:',
    ':80/tcp',
    '::x:80/tcp',
  ])
    t.throws(() => parseTarget(text), { instanceOf: UsageError }, text);
  for (const text of ['', 'tcp/80', 'icmp/', 'icmp/x'])
    t.throws(() => parseCargo(text), { instanceOf: UsageError }, text);
});
