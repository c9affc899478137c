/** Real BIRD 2, FRR and GoBGP: routes and withdrawals both ways with their attributes, and what is left when either end goes away. */
import test from 'ava';
import { DAEMON, Meeting, OURS, type Relation, relations, type Terms } from './meeting.js';
import { becomes, comesToHold } from './observation.js';
import { COMMUNITY } from './our-speaker.js';
import { everyPeer } from './peers/every-peer.js';

const ours = Array.from({ length: 20 }, (_, i) => `10.244.${i}.0/24`);
const theirs = Array.from({ length: 5 }, (_, i) => `192.168.${i}.0/24`);

/** The other combinations of AS and port as well. */
const everyRelation: readonly (Relation & Pick<Terms, 'dials'>)[] = [
  { ...relations[0]!, dials: 'ours' },
  { ...relations[1]!, dials: 'both' },
  {
    name: 'inside an AS above 65535 on port 1790',
    asns: { daemon: 4_200_000_001, ours: 4_200_000_001 },
    port: 1790,
    dials: 'ours',
  },
  {
    name: 'between two ASes on port 179',
    asns: { daemon: 65_001, ours: 65_002 },
    port: 179,
    dials: 'both',
  },
];

for (const peer of everyPeer) {
  for (const { name, ...terms } of everyRelation) {
    test(`${peer.name} ${name}: routes and withdrawals both ways; either end goes and comes back`, async t => {
      t.timeout(180_000);
      const meeting = new Meeting(t, peer, terms);
      let daemon = await meeting.startDaemon(theirs);
      let speaker = meeting.startOurs(ours);
      await becomes(t, 'a session', () => speaker.established());
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      t.true((await speaker.status()).session?.fourOctetAs);
      const external = terms.asns.daemon !== terms.asns.ours;
      t.deepEqual(await daemon.attributes(ours[0]!), {
        asPath: external ? `${terms.asns.ours}` : '',
        nextHop: OURS,
        communities: [COMMUNITY],
        largeCommunities: [],
        originatorId: undefined,
        clusterList: [],
      });
      t.like((await speaker.routes()).get(theirs[0]!), {
        asPath: external ? `${terms.asns.daemon}` : '',
        nextHop: DAEMON,
        usable: true,
      });

      speaker.withdraw(ours[7]!);
      await daemon.withdraw(theirs[2]!);
      await comesToHold(t, () => daemon.routes(), ours.toSpliced(7, 1));
      await comesToHold(t, () => speaker.routes(), theirs.toSpliced(2, 1));
      speaker.announce(ours[7]!);
      await daemon.announce(theirs[2]!);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);

      await daemon.stop();
      await becomes(t, 'our end without a session', async () => !(await speaker.established()));
      t.not((await speaker.status()).info, '');
      await comesToHold(t, () => speaker.routes(), []);
      daemon = await meeting.startDaemon(theirs);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      t.is((await speaker.status()).counters.treatedAsWithdraw, 0);

      await speaker.close();
      await comesToHold(t, () => daemon.routes(), []);
      speaker = meeting.startOurs(ours);
      await comesToHold(t, () => daemon.routes(), ours);
      await comesToHold(t, () => speaker.routes(), theirs);
      t.is(await meeting.connections(), 1);
    });
  }

  test(`${peer.name} dials a speaker that only accepts`, async t => {
    t.timeout(120_000);
    const { asns, port } = relations[1]!;
    const meeting = new Meeting(t, peer, { asns, port, dials: 'daemon' });
    const speaker = meeting.startOurs(ours);
    const daemon = await meeting.startDaemon(theirs);
    await becomes(t, 'a session', () => speaker.established());
    t.is((await speaker.status()).session?.localPort, port);
    await comesToHold(t, () => daemon.routes(), ours);
    await comesToHold(t, () => speaker.routes(), theirs);
  });
}
