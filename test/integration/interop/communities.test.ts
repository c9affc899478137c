/** Communities (RFC 1997) and large communities (RFC 8092) both ways with BIRD 2, FRR and GoBGP. */
import test from 'ava';
import { Meeting, relations } from './meeting.js';
import { comesToHold } from './observation.js';
import { everyPeer } from './peers/every-peer.js';

const prefix = '10.244.0.0/24';
const back = '192.168.0.0/24';

for (const peer of everyPeer) {
  for (const { name, asns, port } of relations) {
    test(`${peer.name} ${name}: communities and large communities both ways`, async t => {
      t.timeout(120_000);
      const communities = { standard: '64512:9', large: '4200000001:1:2' };
      const meeting = new Meeting(t, peer, { asns, port, theirs: { communities } });
      const daemon = await meeting.startDaemon([back]);
      const speaker = meeting.startOurs([]);
      speaker.announceWith(
        [64_512 * 65_536 + 7, 64_512 * 65_536 + 8],
        [[4_200_000_002, 3, 4_294_967_295]],
        prefix,
      );
      await comesToHold(t, () => daemon.routes(), [prefix]);
      await comesToHold(t, () => speaker.routes(), [back]);
      t.like(await daemon.attributes(prefix), {
        communities: ['64512:7', '64512:8'],
        largeCommunities: ['4200000002:3:4294967295'],
      });
      t.like((await speaker.routes()).get(back), {
        communities: [communities.standard],
        largeCommunities: [communities.large],
      });
    });
  }
}
