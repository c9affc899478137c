import { spawnSync } from 'node:child_process';
import test from 'ava';
import { readTxChecksumOffload, switchTxChecksumOffload } from '../../../linux/ethtool.js';
import { SystemError } from '../../../linux/libc.js';
import { makeNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

function setUp(t: Parameters<typeof makeNamespace>[0]) {
  const namespace = makeNamespace(t);
  namespace.ip('link add mgy.vxlan type vxlan id 4096 dstport 4789 local 192.0.2.1 nolearning');
  return namespace;
}

test('transmit checksum offload is read, switched off and on again, and stays as it is otherwise', t => {
  const { path } = setUp(t);
  t.true(readTxChecksumOffload('mgy.vxlan', path));
  for (const on of [false, false, true, true]) {
    switchTxChecksumOffload('mgy.vxlan', on, path);
    t.is(readTxChecksumOffload('mgy.vxlan', path), on);
    t.is(readTxChecksumOffload('mgy.vxlan', path), on);
  }
});

test('`ethtool` says the same', t => {
  const namespace = setUp(t);
  if (spawnSync('ethtool', ['--version']).error !== undefined) return skip(t, 'there is no ethtool');
  const shown = () => /^tx-checksumming: (on|off)$/m.exec(namespace.run('ethtool', '-k', 'mgy.vxlan'))?.[1];
  t.is(shown(), 'on');
  switchTxChecksumOffload('mgy.vxlan', false, namespace.path);
  t.is(shown(), 'off');
  namespace.run('ethtool', '-K', 'mgy.vxlan', 'tx', 'on');
  t.true(readTxChecksumOffload('mgy.vxlan', namespace.path));
});

test('in the own network namespace the loopback device is asked', t => {
  t.true(readTxChecksumOffload('lo'));
});

test('what cannot be is refused with its code', t => {
  const { path } = setUp(t);
  const refused = (run: () => unknown, code: string) => t.throws(run, { instanceOf: SystemError, code });
  refused(() => readTxChecksumOffload('mgy-nobody', path), 'ENODEV');
  refused(() => switchTxChecksumOffload('mgy-nobody', false, path), 'ENODEV');
  refused(() => switchTxChecksumOffload('lo', false, path), 'EOPNOTSUPP');
  t.true(readTxChecksumOffload('lo', path));
  t.throws(() => readTxChecksumOffload('mgy.vxlan', '/run/netns/mgy-nobody'), { code: 'ENOENT' });
  for (const name of ['', 'sixteen-octets-x']) {
    t.throws(() => readTxChecksumOffload(name, path), { instanceOf: RangeError }, name);
  }
});
