/** What policy is expected to do, as people write it down, and whether it does (pure). */
import { z } from 'zod';
import { type Cargo, type Journey, ofFamily, type Party, travel } from './journey.js';
import { findParty } from './party.js';
import type { World } from './world.js';

const protocols = { tcp: 6, udp: 17, sctp: 132, udplite: 136 } as const;
type ProtocolName = keyof typeof protocols;
const PORT = /^(\d{1,5})\/(tcp|udp|sctp|udplite)$/i;
const portAllowed = 'a port and its protocol, such as 5432/tcp or 53/udp';
const icmpAllowed = 'an ICMP type, such as 8, or type and code, such as 3/4';
const verdictAllowed = 'allow or deny';
const someFiles = 'a list of at least one file';
const someExpectations = 'a list of at least one expectation';

const party = z.string('an endpoint (NAMESPACE/NAME) or an address');
const expectation = z
  .strictObject(
    {
      from: party,
      to: party,
      port: z
        .string(portAllowed)
        .refine(
          text => Number(PORT.exec(text)?.[1] ?? 0) >= 1 && Number(PORT.exec(text)?.[1]) <= 65535,
          portAllowed,
        )
        .optional(),
      icmp: z
        .union([z.number(), z.string()], icmpAllowed)
        .transform(String)
        .refine(
          text => /^\d{1,3}(\/\d{1,3})?$/.test(text) && text.split('/').every(part => Number(part) <= 255),
          icmpAllowed,
        )
        .optional(),
      verdict: z.enum(['allow', 'deny'], verdictAllowed),
    },
    'an expectation: { from, to, port or icmp, verdict }',
  )
  .refine(({ port, icmp }) => (port === undefined) !== (icmp === undefined), {
    message: 'one with a port or an icmp type, and not with both',
  });

/** A list of worlds, each of manifests and what is expected in it. */
export const expectationsFile = z
  .array(
    z.strictObject(
      {
        manifests: z.array(z.string('the path of a file'), someFiles).min(1, someFiles),
        expect: z.array(expectation, someExpectations).min(1, someExpectations),
      },
      '{ manifests, expect }',
    ),
    'a list of { manifests, expect }',
  )
  .min(1, 'a list of at least one { manifests, expect }');

export type Expectation = z.output<typeof expectation>;

export type ExpectationResult =
  | { readonly kind: 'met' | 'missed'; readonly journey: Journey }
  /** It cannot be judged, for this reason. */
  | { readonly kind: 'senseless'; readonly problem: string };

export function check(world: World, expected: Expectation): ExpectationResult {
  const parties: Party[] = [];
  for (const text of [expected.from, expected.to]) {
    const found = findParty(world, text);
    if (found.kind === 'problem') return { kind: 'senseless', problem: found.problem };
    parties.push(found);
  }
  const [from, to] = parties as [Party, Party];
  const journey = travel(world, from, to, cargoOf(expected, from, to));
  if (journey === undefined) {
    return {
      kind: 'senseless',
      problem: `${expected.from} and ${expected.to} have no address of one family`,
    };
  }
  if (journey.legs.length === 0) {
    return { kind: 'senseless', problem: 'neither end is an endpoint: no host of ours sees the packet' };
  }
  return { kind: journey.verdict === expected.verdict ? 'met' : 'missed', journey };
}

/** A source port that no rule speaks of by chance. */
const SOURCE_PORT = 49_152;

function cargoOf({ port, icmp }: Expectation, from: Party, to: Party): Cargo {
  if (port !== undefined) {
    const [number, name] = port.toLowerCase().split('/') as [string, ProtocolName];
    return { protocol: protocols[name], sourcePort: SOURCE_PORT, destinationPort: Number(number) };
  }
  const [type = 0, code = 0] = (icmp ?? '').split('/').map(Number);
  // The types of messages of both protocols are written alike; what is asked in ICMPv6 begins with 128.
  const ipv6 = type >= 128 || [from, to].some(party => ofFamily(party, 'ipv4') === undefined);
  return { protocol: ipv6 ? 58 : 1, icmp: { type, code } };
}
