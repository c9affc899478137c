/** What policy is expected to do, as people write it down, and whether it does (pure). */
import { z } from 'zod';
import { cargoOf, icmpAllowed, isIcmp, isPort, portAllowed } from './cargo.js';
import { type Journey, type Party, travel } from './journey.js';
import { findParty } from './party.js';
import type { World } from './world.js';

const verdictAllowed = 'allow or deny';
const someFiles = 'a list of at least one file';
const someExpectations = 'a list of at least one expectation';

const party = z.string('an endpoint (NAMESPACE/NAME) or an address');
const expectation = z
  .strictObject(
    {
      from: party,
      to: party,
      port: z.string(portAllowed).refine(isPort, portAllowed).optional(),
      icmp: z
        .union([z.number(), z.string()], icmpAllowed)
        .transform(String)
        .refine(isIcmp, icmpAllowed)
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
