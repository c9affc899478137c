/** Runs inside a network namespace: routes written by one transport and read by the other, as one line of JSON. */

import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { openKoffiTransport } from '../../../linux/netlink/koffi-transport.js';
import { loadNodeNetlink } from '../../../linux/netlink/node-netlink-transport.js';
import { plainForm } from '../../../linux/netlink/route.js';
import { describeRefusal, Rtnetlink } from '../../../linux/netlink/rtnetlink.js';

const loaded = await loadNodeNetlink();
if (loaded.kind === 'unavailable') {
  console.log(JSON.stringify(loaded));
  process.exit(0);
}
const [first, second] = [new Rtnetlink({ open: loaded.open }), new Rtnetlink({ open: openKoffiTransport })];
const ifindex = (await first.links()).find(link => link.name === 'eth0')!.ifindex;

/** The second of three cannot be. */
async function write(kernel: Rtnetlink, octet: number) {
  const refusals = await kernel.changeRoutes(
    ['10.0.0.2', '192.0.2.1', '10.0.0.3'].map((gateway, i) => ({
      kind: 'create',
      destination: `10.${octet}.${i}.0/24` as Prefix,
      form: {
        ...plainForm,
        metric: 1024,
        protocol: 157,
        nextHops: [{ gateway: gateway as IpAddress, ifindex, onlink: false, weight: 1, dead: false }],
      },
    })),
  );
  return [...refusals].map(([at, refusal]) => `${at} ${describeRefusal(refusal)}`);
}

const refusals = [await write(first, 1), await write(second, 2)];
const routes = [
  await first.routes({ family: 'ipv4', protocol: 157 }),
  await second.routes({ family: 'ipv4', protocol: 157 }),
];
const links = [await first.links(), await second.links()];
const addresses = [await first.addresses(), await second.addresses()];
console.log(JSON.stringify({ kind: 'available', refusals, routes, links, addresses }));
first.close();
second.close();
