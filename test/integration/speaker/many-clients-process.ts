/**
 * Many BGP clients in one process, each with a source address of its own (127.64.0.1 and on), who say OPEN and KEEPALIVE and nothing else.
 * Arguments: the speaker's address, how many, and whether they say OPEN at all. Tells its parent when all of them are up.
 */
import net from 'node:net';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import { encodeOpen } from '../../../bgp/wire/open.js';
import { type Ipv4Address, ipv4FromNumber } from '../../../core/ip-address.js';

const [host = '', countText = '0', how = 'speak'] = process.argv.slice(2);
const count = Number(countText);
const began = performance.now();
let established = 0;
let closed = 0;

for (let i = 0; i < count; i++) dial(ipv4FromNumber(0x7f400001 + i));

function dial(localAddress: Ipv4Address): void {
  const socket = net.connect({ host, port: 179, localAddress });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed++;
    if (how === 'silent') process.send?.({ closed });
  });
  if (how === 'silent') return;
  const open = encodeOpen({
    version: 4,
    asn: 23456,
    holdTimeSeconds: 90,
    routerId: localAddress,
    capabilities: [{ kind: 'four-octet-as', asn: 65001 }],
  });
  socket.once('connect', () => socket.write(Buffer.concat([open, encodeKeepalive()])));
  // What it sends is its OPEN, a KEEPALIVE, and End-of-RIB: with that the session is up.
  let octets = 0;
  socket.on('data', chunk => {
    const before = octets;
    octets += chunk.length;
    const whole = open.length + 19;
    if (before < whole && octets >= whole && ++established === count)
      process.send?.({ established, milliseconds: performance.now() - began });
  });
  setInterval(() => socket.write(encodeKeepalive()), 30_000).unref();
}
