/** A speaker on loopback whose descriptors are all used up by strangers' connections; prints what became of it as JSON. */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { linuxSockets } from '../../../agent/linux-sockets.js';
import { createSpeaker } from '../../../bgp/index.js';
import { NetTransport } from '../../../bgp/speaker/net-transport.js';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import { encodeOpen } from '../../../bgp/wire/open.js';

const HUB = `127.${process.pid & 127}.${(process.pid >> 7) & 255}.1`;
let said = 0;
const speaker = createSpeaker(
  { asn: 64512, routerId: '10.0.0.1', listen: { address: HUB, port: 0 } },
  {
    transport: new NetTransport(linuxSockets),
    log: ({ message }) => {
      if (message.includes('files')) said++;
    },
  },
);
speaker.addPeerRange({ prefix: '127.0.0.0/8', asns: 'any' });
const listening = await speaker.listening();
if (listening.kind !== 'listening') throw new Error(listening.kind);
const port = listening.endpoints[0]!.port;

/** Both ends of a connection are this process's: each takes two descriptors. */
const sockets: net.Socket[] = [];
let refused = false;
for (let i = 0; i < 40 && !refused; i++) {
  const socket = net.connect({ host: HUB, port, localAddress: HUB.replace(/1$/, `${100 + i}`) });
  sockets.push(socket);
  socket.on('close', () => {
    refused = true;
  });
  socket.on('error', () => {
    refused = true;
  });
  await sleep(20);
}
for (const socket of sockets) socket.destroy();
await sleep(200);
const client = net.connect({ host: HUB, port, localAddress: HUB.replace(/1$/, '2') });
const capabilities = [{ kind: 'four-octet-as', asn: 65001 }] as const;
const identity = { version: 4, asn: 65001, holdTimeSeconds: 90, routerId: '10.0.0.2' as never };
client.write(Buffer.concat([encodeOpen({ ...identity, capabilities }), encodeKeepalive()]));
await sleep(500);
process.stdout.write(JSON.stringify({ refused, said, again: speaker.peers()[0]?.state }));
process.exit(0);
