import { readlinkSync } from 'node:fs';
import net from 'node:net';
import test from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import { insideNamespace } from '../../../linux/namespace.js';
import { Rtnetlink } from '../../../linux/netlink/rtnetlink.js';
import { readSysctl, writeSysctl } from '../../../linux/sysctl.js';
import { openDial, openListener } from '../../../linux/tcp-options.js';
import { join, makeNamespace } from '../../support/network-namespace.js';

const own = () => readlinkSync('/proc/thread-self/ns/net');
const port = 4179;

test('sockets made inside a namespace stay there, the process does not', async t => {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  a.ip('address add 10.0.0.1/24 dev eth0');
  b.ip('address add 10.0.0.2/24 dev eth0');
  const before = own();
  const address = '10.0.0.1' as IpAddress;
  const server = net.createServer(socket => socket.end(socket.remoteAddress ?? ''));
  server.listen({ fd: insideNamespace(a.path, () => openListener({ address, port }, 16)) });
  const localAddress = '10.0.0.2' as IpAddress;
  const fd = insideNamespace(b.path, () => openDial({ address, port, localAddress, ttl: 1 }));
  t.is(own(), before);
  const socket = new net.Socket({ fd, readable: true, writable: true, manualStart: true } as never);
  await new Promise(resolve => socket.write('', resolve));
  const said = new Promise(resolve => socket.once('data', resolve));
  socket.resume();
  t.is(String(await said), '10.0.0.2');
  server.close();
  socket.destroy();
});

test('a netlink connection speaks of the namespace that it was opened for', async t => {
  const a = makeNamespace(t);
  a.ip('link add only-here type veth peer name other');
  const kernel = new Rtnetlink({ networkNamespace: a.path });
  t.true((await kernel.links()).some(({ name }) => name === 'only-here'));
  kernel.close();
});

test('sysctls inside are those of the namespace', t => {
  const a = makeNamespace(t);
  const name = 'net/ipv4/ip_forward';
  const outside = readSysctl(name);
  t.is(
    insideNamespace(a.path, () => readSysctl(name)),
    '0',
  );
  insideNamespace(a.path, () => writeSysctl(name, '1'));
  t.is(a.run('cat', `/proc/sys/${name}`).trim(), '1');
  t.is(readSysctl(name), outside);
});

test('sysctls of interfaces with dots in their names are those of that interface', t => {
  const a = makeNamespace(t);
  for (const name of ['eth0.100', 'margay.vxlan'])
    a.ip(`link add ${name} type veth peer name peer-${name.length}`);
  const parameter = (name: string) => `net/ipv4/conf/${name}/rp_filter`;
  const read = (name: string) => insideNamespace(a.path, () => readSysctl(parameter(name)));
  insideNamespace(a.path, () => writeSysctl(parameter('eth0.100'), '2'));
  t.is(read('eth0.100'), '2');
  t.is(a.run('cat', '/proc/sys/net/ipv4/conf/eth0.100/rp_filter').trim(), '2');
  insideNamespace(a.path, () => writeSysctl(parameter('margay.vxlan'), '1'));
  t.deepEqual([read('eth0.100'), read('margay.vxlan')], ['2', '1']);
  t.throws(() => read('eth0/100'), { code: 'ENOENT' });
});

test('what goes wrong inside comes out, and the thread is back', t => {
  const a = makeNamespace(t);
  const before = own();
  t.throws(
    () =>
      insideNamespace(a.path, () => {
        throw new Error('inside');
      }),
    { message: 'inside' },
  );
  t.is(own(), before);
  t.throws(() => insideNamespace('/run/netns/mgy-nobody', () => 1), { code: 'ENOENT' });
  t.throws(() => insideNamespace('/dev/null', () => 1), { code: 'EINVAL' });
  t.is(own(), before);
});
