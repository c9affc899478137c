import { fileURLToPath } from 'node:url';
import test from 'ava';
import { join, makeNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';

test('node-netlink and koffi write and read the same', t => {
  const [a, b] = [makeNamespace(t), makeNamespace(t)];
  join(a, 'eth0', b, 'eth0');
  a.ip('address add 10.0.0.1/24 dev eth0');
  const program = fileURLToPath(new URL('node-netlink-process.js', import.meta.url));
  const said = JSON.parse(a.run(process.execPath, program));
  if (said.kind === 'unavailable') return skip(t, said.reason);
  const { refusals, routes, links, addresses } = said;
  // The kernel's words need a socket option that node-netlink does not set.
  t.deepEqual(refusals, [['1 ENETUNREACH'], ['1 ENETUNREACH: Nexthop has invalid gateway']]);
  t.is(routes[0].length, 4);
  t.deepEqual(routes[0], routes[1]);
  t.deepEqual(links[0], links[1]);
  t.deepEqual(addresses[0], addresses[1]);
});
