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
  await new Promise(resolve => server.close(resolve));
  t.is(portHolder(port), undefined);
});
