import dgram from 'node:dgram';
import net from 'node:net';
import test from 'ava';
import { portHolder } from '../../linux/port-holder.js';

test("a listener is named by its process; a port that nobody has is nobody's", async t => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  const holder = portHolder(port);
  t.is(holder?.pid, process.pid);
  t.truthy(holder?.command);
  t.is(portHolder(port, 'udp'), undefined);
  await new Promise(resolve => server.close(resolve));
  t.is(portHolder(port), undefined);
});

for (const [type, address] of [
  ['udp4', '127.0.0.1'],
  ['udp6', '::1'],
] as const) {
  test(`a bound ${type} socket is named by its process`, async t => {
    const socket = dgram.createSocket(type);
    socket.bind(0, address);
    await new Promise(resolve => socket.once('listening', resolve));
    const { port } = socket.address();
    t.is(portHolder(port, 'udp')?.pid, process.pid);
    await new Promise<void>(resolve => socket.close(resolve));
    t.is(portHolder(port, 'udp'), undefined);
  });
}
