/**
 * A thread that was kept from its work comes back to timers that have expired and to messages that have not been read: a peer that spoke
 * in time is not taken for silent. With the machine's clock, because the order of timers and sockets is the event loop's.
 */
import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { createSpeaker } from '../../../bgp/index.js';
import { encodeKeepalive, encodeOpen } from '../../../bgp/wire/index.js';
import type { Ipv4Address } from '../../../core/ip-address.js';

const HOLD_SECONDS = 3;
const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));

/** A peer on a port of its own that says OPEN and KEEPALIVE, and from then on what it is told to. */
async function talker() {
  let socket: Socket | undefined;
  const server = createServer(accepted => {
    socket = accepted;
    accepted.on('data', () => {}).on('error', () => {});
    const capabilities = [{ kind: 'four-octet-as', asn: 64513 }] as const;
    const routerId = '10.0.0.2' as Ipv4Address;
    accepted.write(
      encodeOpen({ version: 4, asn: 64513, holdTimeSeconds: HOLD_SECONDS, routerId, capabilities }),
    );
    accepted.write(encodeKeepalive());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    speak: () => socket?.write(encodeKeepalive()),
    close: () => {
      socket?.destroy();
      server.close();
    },
  };
}

test('a KEEPALIVE that lies unread when the hold timer expires is read first', async t => {
  const peer = await talker();
  const speaker = createSpeaker({ asn: 64512, routerId: '10.0.0.1' });
  const toPeer = speaker.addPeer({
    address: '127.0.0.1',
    port: peer.port,
    asn: 64513,
    holdTimeSeconds: HOLD_SECONDS,
  });
  try {
    for (let i = 0; i < 100 && toPeer.status().state !== 'Established'; i++) await pause(20);
    t.is(toPeer.status().state, 'Established');
    await pause(1000);
    // It goes to the kernel in this turn of the event loop, and is read in none before the timer is late.
    peer.speak();
    const until = performance.now() + HOLD_SECONDS * 1000;
    while (performance.now() < until);
    await pause(200);
    t.is(toPeer.status().state, 'Established');
    await pause(HOLD_SECONDS * 1000 + 500);
    t.not(toPeer.status().state, 'Established', 'silence is silence all the same');
    t.like(toPeer.status().lastNotificationSent, { code: 4 });
  } finally {
    peer.close();
    await speaker.close();
  }
});
