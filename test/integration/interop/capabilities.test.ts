/** What each daemon says in its OPEN with everything switched on, and what it does not: the latter is what `docs/interop.md` says it lacks. */
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { becomes } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

/** Without the values that follow. */
const said = {
  bird2: [
    'multiprotocol',
    'route refresh',
    'enhanced route refresh',
    'extended next hop',
    'extended messages',
    'graceful restart',
    'long-lived graceful restart',
    '4-octet AS',
    'ADD-PATH',
    'role',
  ],
  frr: [
    'multiprotocol',
    'route refresh',
    'enhanced route refresh',
    'extended next hop',
    'extended messages',
    'graceful restart',
    'long-lived graceful restart',
    '4-octet AS',
    'ADD-PATH',
    'role',
  ],
  gobgp: [
    'multiprotocol',
    'route refresh',
    'extended next hop',
    'graceful restart',
    'long-lived graceful restart',
    '4-octet AS',
    'ADD-PATH',
  ],
} as const;
const every = [...new Set(Object.values(said).flat())];

for (const peer of everyPeer) {
  test(`${peer.name}: the capabilities of its OPEN, and those that it lacks`, async t => {
    t.timeout(120_000);
    const meeting = new Meeting(t, peer, {
      ...relations[1]!,
      overIpv6: ['ipv4-unicast'],
      gracefulRestart: 'on',
      theirs: {
        extensions: ['add-path', 'extended-messages', 'extended-next-hop'],
        longLivedSeconds: 60,
        ownWords: { bird2: ['local role peer;'], frr: ['local-role peer'], gobgp: [] }[peer.name],
      },
    });
    await meeting.startDaemon([]);
    const speaker = meeting.startOurs([]);
    await becomes(t, 'a session', () => speaker.established());
    const received = (await speaker.status()).session!.capabilitiesReceived;
    t.log(received.join('; '));
    const known = every.filter(name => received.some(each => each.startsWith(name)));
    t.deepEqual(known.toSorted(), said[peer.name].toSorted());
    // RFC 8538 is a bit of graceful restart.
    t.is(
      received.some(each => each.includes('also after a NOTIFICATION')),
      peer.name !== 'bird2',
    );
  });
}
