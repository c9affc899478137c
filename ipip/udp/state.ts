/**
 * What the agent tells the UDP data path, as a file between two processes that need not live at the same time. Pure.
 *
 *     { "version": 1, "device": { "name": "margay.udp", "mtu": 1472 }, "port": 8285, "local": "10.0.0.1",
 *       "tunnelAddress": "10.244.1.0", "routes": [["10.244.2.0/24", "10.0.0.2"]], "knownHosts": ["10.0.0.2"] }
 *
 * `"device": null` says that there is nothing to carry. Fields that are not known here are left alone, so that an older process reads
 * what a newer agent writes; a meaning that an older process would get wrong takes a new version.
 */
import { z } from 'zod';
import { addressFamily, type Ipv4Address } from '../../core/ip-address.js';
import type { Ipv4Prefix } from '../../core/prefix.js';
import { ipv4, optional, prefix, wholeNumber } from '../../core/resources/fields.js';
import { describeProblem, problemsOf, show, typeWords } from '../../core/resources/problems.js';
import { tunnelOverhead } from '../tunnel-intent.js';

/** flannel's. */
export const DEFAULT_UDP_PORT = 8285;

const VERSION = 1;

/** Nothing is carried. */
export interface IdleState {
  readonly device: undefined;
}

export interface TunnelState {
  readonly device: {
    readonly name: string;
    /** Of inner packets: the path's less {@link tunnelOverhead}. */
    readonly mtu: number;
  };
  /** Of every host. */
  readonly port: number;
  /** This host's address among the hosts: where datagrams come from and go to. */
  readonly local: Ipv4Address;
  /** Who answers packets that cannot be carried; undefined: `local`. */
  readonly tunnelAddress: Ipv4Address | undefined;
  readonly routes: readonly (readonly [destination: Ipv4Prefix, host: Ipv4Address])[];
  /** Whose datagrams are taken. */
  readonly knownHosts: readonly Ipv4Address[];
}

export type UdpState = IdleState | TunnelState;

export type DecodedUdpState =
  | { readonly kind: 'ok'; readonly state: UdpState }
  /** All that is wrong, a sentence each. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const ipv4Prefix = prefix
  .refine(value => addressFamily(value) === 'ipv4', 'an IPv4 prefix')
  .transform(value => value as Ipv4Prefix);

const schema = z.object({
  device: z.object({
    name: z.string('a device name').regex(/^[^\s/:]{1,15}$/, 'a device name of 1 to 15 characters'),
    mtu: wholeNumber(68, 65535 - tunnelOverhead.udp),
  }),
  port: wholeNumber(1, 65535),
  local: ipv4,
  tunnelAddress: optional(ipv4),
  routes: z.array(z.tuple([ipv4Prefix, ipv4], 'a pair of a prefix and a host'), 'a list of pairs'),
  knownHosts: z.array(ipv4, 'a list of addresses'),
});

export function decodeUdpState(text: string): DecodedUdpState {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    return { kind: 'invalid', problems: [`not JSON, or half of it: ${(error as Error).message}`] };
  }
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    return { kind: 'invalid', problems: [`the file: ${show(written)} is not a map of fields`] };
  }
  const { version, device } = written as Readonly<Record<string, unknown>>;
  if (version !== VERSION) {
    return { kind: 'invalid', problems: [`version: ${show(version)} is not ${VERSION}, the one known here`] };
  }
  if (device === null) return { kind: 'ok', state: { device: undefined } };
  const parsed = schema.safeParse(written, { error: typeWords });
  if (parsed.success) return { kind: 'ok', state: parsed.data };
  const problems = problemsOf(parsed.error, written, [], schema, undefined);
  return { kind: 'invalid', problems: problems.map(describeProblem) };
}

/** The file's text: the same for the same state. */
export function encodeUdpState(state: UdpState): string {
  if (state.device === undefined) return `${JSON.stringify({ version: VERSION, device: null })}\n`;
  const { device, port, local, tunnelAddress = null, routes, knownHosts } = state;
  const fields = { version: VERSION, device, port, local, tunnelAddress, routes, knownHosts };
  return `${JSON.stringify(fields)}\n`;
}
