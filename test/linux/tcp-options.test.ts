import net from 'node:net';
import test from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import { openDial, openListener } from '../../linux/tcp-options.js';

const ipv4 = '127.0.0.1' as IpAddress;
const ipv6 = '::1' as IpAddress;

/** Wraps a dialled descriptor as the speaker's transport does: an empty write that succeeds is the proof. */
function connected(fd: number): Promise<{ readonly socket: net.Socket; readonly code: string }> {
  const socket = new net.Socket({ fd, readable: true, writable: true, manualStart: true } as never);
  return new Promise(resolve => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve({ socket, code: error.code ?? '' }));
    socket.write(new Uint8Array(0), error => {
      if (!error && socket.remoteAddress !== undefined) resolve({ socket, code: '' });
    });
  });
}

async function listening(address: IpAddress, port = 0): Promise<net.Server> {
  const server = net.createServer();
  server.listen({ fd: openListener({ address, port }, 4096) });
  await new Promise(resolve => server.once('listening', resolve));
  return server;
}

const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port;

for (const [name, address] of Object.entries({ ipv4, ipv6 })) {
  test(`${name}: a dialled descriptor connects to a listening one and bytes go both ways`, async t => {
    const server = await listening(address);
    server.on('connection', accepted => accepted.pipe(accepted));
    const { socket, code } = await connected(
      openDial({ address, port: portOf(server), localAddress: address, ttl: 7 }),
    );
    t.is(code, '');
    const echo = new Promise(resolve => socket.once('data', resolve));
    socket.write('hello');
    socket.resume();
    t.is(String(await echo), 'hello');
    socket.destroy();
    server.close();
  });

  test(`${name}: a port where nobody listens is refused with its code`, async t => {
    const server = await listening(address);
    const port = portOf(server);
    await new Promise(resolve => server.close(resolve));
    const { socket, code } = await connected(openDial({ address, port, localAddress: undefined, ttl: 64 }));
    t.is(code, 'ECONNREFUSED');
    socket.destroy();
  });

  test(`${name}: a port that is taken is said with its code`, async t => {
    const server = await listening(address);
    t.throws(() => openListener({ address, port: portOf(server) }, 16), { code: 'EADDRINUSE' });
    server.close();
  });
}

test('an IPv6 listener leaves the IPv4 port of the same number to others', async t => {
  const six = await listening('::' as IpAddress);
  const four = await listening('0.0.0.0' as IpAddress, portOf(six));
  t.is(portOf(four), portOf(six));
  six.close();
  four.close();
});

test('a local address that is not of this host fails before anything is sent', t => {
  const error = t.throws(() =>
    openDial({ address: ipv4, port: 9, localAddress: '192.0.2.1' as IpAddress, ttl: 64 }),
  ) as NodeJS.ErrnoException;
  t.is(error.code, 'EADDRNOTAVAIL');
  t.is(error.syscall, 'bind');
  t.is(error.errno, 99);
});

test('the listen queue takes a burst while nobody accepts', async t => {
  const fd = openListener({ address: ipv4, port: 0 }, 4096);
  const server = net.createServer();
  server.listen({ fd });
  await new Promise(resolve => server.once('listening', resolve));
  const port = portOf(server);
  const dials = Array.from({ length: 200 }, () =>
    openDial({ address: ipv4, port, localAddress: undefined, ttl: 64 }),
  );
  const ends = await Promise.all(dials.map(connected));
  t.true(ends.every(({ code }) => code === ''));
  for (const { socket } of ends) socket.destroy();
  server.close();
});
