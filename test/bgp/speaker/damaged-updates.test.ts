/**
 * RFC 7606 as its effects: each attribute, each kind of damage, from an internal and from an external peer, judged by what a second peer
 * is told, by the session and by the counters. The route is there before; what is expected stands in the RFCs.
 */
import test from 'ava';
import type { Disposition } from '../../../bgp/wire/index.js';
import { encodeAttributes, formatAsPath, type PathAttributes, Writer } from '../../../bgp/wire/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { hex, toHex } from '../../support/hex.js';
import {
  type AttributeName,
  attributeDamages,
  attributeNames,
  holdsRoutes,
  intact,
  internalOnly,
  oldSpeakers,
} from '../../vectors/attribute-damages.js';
import { acceptAll, newWorld } from './memory.js';
import { RawPeer } from './raw-peer.js';

const US = '10.0.0.1';
const route = '203.0.113.0/24' as Prefix;
type Outcome = Disposition | 'kept';
type Source = 'ibgp' | 'ebgp';

interface Case {
  readonly source: Source;
  readonly attribute: AttributeName;
  /** Whole attributes in place of the intact one; none: it is missing. */
  readonly damaged: readonly Uint8Array[];
  readonly asOctets: 2 | 4;
}

function attribute(flags: string, type: string, value: string): Uint8Array {
  const octets = value.replaceAll(/\s/g, '').length / 2;
  return hex(`${flags} ${type} ${octets.toString(16).padStart(2, '0')} ${value}`);
}

/** `sets` are whole attributes; the prefix stands in the NLRI field. */
function updateOf(sets: readonly Uint8Array[]): Uint8Array {
  const attributes = new Writer();
  for (const each of sets) attributes.bytes(each);
  const bytes = attributes.finish();
  const body = new Writer().u16(0).u16(bytes.length).bytes(bytes).bytes(hex('18 cb0071')).finish();
  return new Writer()
    .bytes(hex('M'))
    .u16(19 + body.length)
    .u8(2)
    .bytes(body)
    .finish();
}

/** Well-formed attributes of a peer, one by one; `version` tells the first announcement from the second. */
function wellFormed({ source, attribute: name, asOctets }: Case, version: number): Map<string, Uint8Array> {
  const context = { fourOctetAs: asOctets === 4, ibgp: source === 'ibgp' };
  const asn = source === 'ibgp' ? 65009 : 65002;
  const one = (attributes: PathAttributes) => encodeAttributes(attributes, context);
  const sets = new Map([
    ['ORIGIN', one({ origin: 0 })],
    ['AS_PATH', one({ asPath: [{ type: 'sequence', asns: asOctets === 2 ? [asn, 23456] : [asn] }] })],
    ['NEXT_HOP', one({ nextHop: 0x0a000002 })],
  ]);
  if (source === 'ibgp') sets.set('LOCAL_PREF', one({ localPref: 100 }));
  const marker = name === 'COMMUNITIES' ? 'LARGE_COMMUNITY' : 'COMMUNITIES';
  const value: PathAttributes =
    marker === 'COMMUNITIES' ? { communities: [version] } : { largeCommunities: [[version, 0, 0]] };
  sets.set(marker, one(value));
  return sets;
}

interface Effect {
  readonly outcome: Outcome;
  readonly told: PathAttributes | undefined;
  readonly notifications: readonly string[];
  readonly treatedAsWithdraw: number;
  readonly attributesDiscarded: number;
}

function effectOf(damage: Case): Effect {
  const { source, attribute: name, damaged, asOctets } = damage;
  const world = newWorld();
  const speaker = world.speaker(US, 64512);
  const asn = source === 'ibgp' ? 64512 : 65002;
  // From inside an external peer is told, from outside an internal one: it sees LOCAL_PREF as well.
  const otherAsn = source === 'ibgp' ? 65003 : 64512;
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  const common = { passive: true, families, ...acceptAll };
  const peer = speaker.addPeer({ address: '10.0.0.2', asn, ...common });
  speaker.addPeer({ address: '10.0.0.3', asn: otherAsn, ...common });
  const raw = (address: string, as: number, octets: 2 | 4) =>
    new RawPeer({
      transport: world.network.host(address as IpAddress),
      address,
      asn: as,
      remote: US,
      remoteAsn: 64512,
      ...(octets === 4
        ? {}
        : {
            capabilities: [
              { kind: 'multiprotocol', afi: 1, safi: 1 },
              { kind: 'multiprotocol', afi: 2, safi: 1 },
            ],
          }),
    });
  const sender = raw('10.0.0.2', asn, asOctets);
  const other = raw('10.0.0.3', otherAsn, 4);
  world.clock.advance(100);
  sender.send(updateOf([...wellFormed(damage, 1).values()]));
  world.clock.advance(100);
  if (!other.routes.has(route)) throw new Error('the well-formed route was not told');
  const second = wellFormed(damage, 2);
  second.delete(name);
  sender.send(updateOf([...damaged, ...second.values()]));
  world.clock.advance(100);
  const told = other.routes.get(route);
  const { state, counters } = peer.status();
  const version = name === 'COMMUNITIES' ? told?.largeCommunities?.[0]?.[0] : told?.communities?.[0];
  const outcome = (): Outcome => {
    if (state !== 'Established') return 'session-reset';
    if (told === undefined) return 'treat-as-withdraw';
    if (version !== 2) throw new Error('the second announcement was ignored');
    return counters.attributesDiscarded > 0 ? 'attribute-discard' : 'kept';
  };
  return {
    outcome: outcome(),
    told,
    notifications: sender.notifications.map(({ code, subcode, data }) =>
      `${code}/${subcode} ${toHex(data)}`.trim(),
    ),
    treatedAsWithdraw: counters.treatedAsWithdraw,
    attributesDiscarded: counters.attributesDiscarded,
  };
}

/** What may be seen of an attribute at the second peer. */
const seen: Readonly<Record<AttributeName, (told: PathAttributes) => unknown>> = {
  ORIGIN: ({ origin }) => origin,
  AS_PATH: ({ asPath }) => formatAsPath(asPath ?? []),
  NEXT_HOP: ({ nextHop }) => nextHop,
  MULTI_EXIT_DISC: ({ multiExitDisc }) => multiExitDisc,
  LOCAL_PREF: ({ localPref }) => (localPref === 100 ? undefined : localPref),
  ATOMIC_AGGREGATE: ({ atomicAggregate }) => atomicAggregate,
  AGGREGATOR: ({ aggregator }) => aggregator,
  COMMUNITIES: ({ communities }) => communities,
  ORIGINATOR_ID: ({ originatorId }) => originatorId,
  CLUSTER_LIST: ({ clusterList }) => clusterList,
  MP_REACH_NLRI: ({ mpReach }) => mpReach,
  MP_UNREACH_NLRI: ({ mpUnreach }) => mpUnreach,
  EXTENDED_COMMUNITIES: ({ extendedCommunities }) => extendedCommunities,
  AS4_PATH: ({ as4Path }) => as4Path,
  AS4_AGGREGATOR: ({ as4Aggregator }) => as4Aggregator,
  LARGE_COMMUNITY: ({ largeCommunities }) => largeCommunities,
  OTC: ({ onlyToCustomer }) => onlyToCustomer,
};

const sources = ['ibgp', 'ebgp'] as const;

for (const source of sources) {
  for (const name of attributeNames) {
    const damages = attributeDamages.filter(each => each.attribute === name);
    test(`${name} with a damaged value, ${source}: what the second peer is told (${damages.length} kinds)`, t => {
      t.true(damages.length > 0);
      for (const { value, damage, section, ibgp, ebgp, subcode, asOctets = 4 } of damages) {
        const [flags, type] = intact[name];
        const bytes = attribute(flags, type, value);
        const expected = source === 'ibgp' ? ibgp : (ebgp ?? ibgp);
        const effect = effectOf({ source, attribute: name, damaged: [bytes], asOctets });
        const words = `${damage} (${section})`;
        t.is(effect.outcome, expected, words);
        const reset = expected === 'session-reset';
        t.deepEqual(effect.notifications, reset ? [`3/${subcode} ${toHex(bytes)}`] : [], words);
        t.is(effect.told === undefined, expected !== 'kept' && expected !== 'attribute-discard', words);
        t.is(effect.treatedAsWithdraw, expected === 'treat-as-withdraw' ? 1 : 0, words);
        t.is(effect.attributesDiscarded, expected === 'attribute-discard' ? 1 : 0, words);
        if (expected === 'attribute-discard') t.is(seen[name](effect.told!), undefined, words);
      }
    });

    test(`${name} with Optional and Transitive bits that are not its own, ${source}: treated as withdraw, or a reset if it holds routes`, t => {
      const [flags, type, value] = intact[name];
      const asOctets = oldSpeakers.includes(name) ? 2 : 4;
      for (const other of ['00', '40', '80', 'c0'].filter(each => each !== flags)) {
        const bytes = attribute(other, type, value);
        const { outcome, notifications } = effectOf({ source, attribute: name, damaged: [bytes], asOctets });
        const reset = holdsRoutes.includes(name);
        t.is(outcome, reset ? 'session-reset' : 'treat-as-withdraw', other);
        t.deepEqual(notifications, reset ? [`3/9 ${toHex(bytes)}`] : [], other);
      }
    });

    test(`${name} twice, ${source}: the first one counts, but for those that hold routes`, t => {
      const [flags, type, value] = intact[name];
      const asOctets = oldSpeakers.includes(name) ? 2 : 4;
      // 10.0.0.1 is us, as next hop, originator and cluster; of an external peer its own AS comes first.
      const others = value.replace('0a000001', '0a000009');
      const bytes = attribute(
        flags,
        type,
        name === 'AS_PATH' && source === 'ebgp' ? '02 01 0000fdea' : others,
      );
      const effect = effectOf({ source, attribute: name, damaged: [bytes, bytes], asOctets });
      const reset = holdsRoutes.includes(name);
      t.is(effect.outcome, reset ? 'session-reset' : 'attribute-discard');
      t.deepEqual(effect.notifications, reset ? ['3/1'] : []);
      t.is(effect.told === undefined, reset);
    });

    test(`${name} cut off by the end of the attributes, ${source}`, t => {
      const [flags, type, value] = intact[name];
      const asOctets = oldSpeakers.includes(name) ? 2 : 4;
      // Its length says more than there is.
      const bytes = attribute(flags, type, value);
      const damaged = Uint8Array.of(bytes[0]!, bytes[1]!, 0xff, ...bytes.subarray(3));
      const { outcome } = effectOf({ source, attribute: name, damaged: [damaged], asOctets });
      t.is(outcome, holdsRoutes.includes(name) ? 'session-reset' : 'treat-as-withdraw');
    });
  }

  const mandatory: readonly AttributeName[] =
    source === 'ibgp' ? ['ORIGIN', 'AS_PATH', 'NEXT_HOP', 'LOCAL_PREF'] : ['ORIGIN', 'AS_PATH', 'NEXT_HOP'];
  for (const name of mandatory) {
    test(`without ${name}, ${source}: treated as withdraw (RFC 7606 section 3 d)`, t => {
      const effect = effectOf({ source, attribute: name, damaged: [], asOctets: 4 });
      t.is(effect.outcome, 'treat-as-withdraw');
      t.is(effect.treatedAsWithdraw, 1);
      t.deepEqual(effect.notifications, []);
    });
  }
}

for (const name of internalOnly as readonly AttributeName[]) {
  test(`${name} from outside is discarded, well-formed as it is (RFC 7606 section 7)`, t => {
    const [flags, type] = intact[name];
    const bytes = attribute(flags, type, '000000c8');
    const effect = effectOf({ source: 'ebgp', attribute: name, damaged: [bytes], asOctets: 4 });
    t.is(effect.outcome, 'attribute-discard');
    t.is(seen[name](effect.told!), undefined);
  });
}
