/**
 * From what became of the probes of a way to what is wrong with it (pure): first as a word, then for people, with the cure.
 *
 * Four probes tell four faults apart. A small packet and a full one go there and back by the way itself; one goes there by it and comes back
 * plainly ("outward"), one goes plainly both ways ("underlay").
 */
import { type Encapsulation, type TunnelKind, tunnelWords } from '../desired.js';
import { tunnelOverhead } from '../tunnel-intent.js';
import type { Path, PathTodo } from './paths.js';
import type { Outcome } from './probe.js';

export interface PathOutcomes {
  readonly underlay: Outcome;
  readonly small: Outcome;
  readonly full: Outcome;
  readonly outward: Outcome;
  /** Bytes of the largest packet that passed; known where small ones do and full ones don't. */
  readonly largestBytes: number | undefined;
}

export type Finding =
  /** The host does not answer at all. */
  | 'host-silent'
  /** This host's own kernel does not send. */
  | 'not-sent'
  /** What leaves by the tunnel does not arrive, or nothing comes back of it. */
  | 'not-arriving'
  /** It arrives, and answers do not find back. */
  | 'no-way-back'
  /** Small packets are lost, and full ones are not: packets are lost at random. */
  | 'lossy'
  /** Small packets pass, and full ones vanish. */
  | 'mtu-black-hole'
  /** The same, and who drops them says so. */
  | 'mtu-too-large'
  | Exclude<PathTodo['kind'], 'probe' | 'other-pool'>;

/** Undefined: all is as it should be. */
export function findingOf({ underlay, small, full, outward }: PathOutcomes): Finding | undefined {
  if (small.kind === 'answered') {
    if (full.kind === 'answered') return undefined;
    if (full.kind === 'not-sent') return 'not-sent';
    return full.kind === 'too-big' ? 'mtu-too-large' : 'mtu-black-hole';
  }
  if (full.kind === 'answered') return 'lossy';
  if (small.kind === 'not-sent') return 'not-sent';
  if (outward.kind === 'answered') return 'no-way-back';
  return underlay.kind === 'answered' ? 'not-arriving' : 'host-silent';
}

/** What words need besides the path. */
export interface CheckWords {
  readonly vxlanPort: number;
  readonly udpPort: number;
}

/** One or two sentences. @param outcomes undefined where nothing was probed */
export function describeFinding(
  finding: Finding,
  path: Path,
  outcomes: PathOutcomes | undefined,
  words: CheckWords,
): string {
  const { host, address, mode, todo } = path;
  const by = mode === 'none' ? 'the underlay' : tunnelWords[mode];
  const target = todo.kind === 'probe' ? todo.to : address;
  switch (finding) {
    case 'no-route':
    case 'refused':
    case 'no-address':
      return 'why' in todo ? todo.why : '';
    case 'host-silent':
      return `${host} does not answer on the underlay (${address})${said(outcomes?.underlay)}: it is down, or the network between the hosts is, or drops pings`;
    case 'not-sent':
      return `this host cannot send to ${target}${said(notSent(outcomes))}: a route or a rule of another program is in the way`;
    case 'not-arriving':
      return `${host} answers on the underlay, but what leaves by ${by} does not arrive there, or nothing comes back of it${said(outcomes?.small)}: is ${wire(mode, words)} filtered on the way (security groups, firewalls), or does ${host}'s guard of tunnels not know this host?`;
    case 'no-way-back':
      return `what leaves by ${by} arrives, but there is no way back: ${host} has no route to this host's tunnel address ${todo.kind === 'probe' ? todo.from : ''}, or what it sends by ${by} does not arrive here; "bgpctl check tunnels" there tells which`;
    case 'lossy':
      return `packets are lost: small ones did not come back from ${target}, and full ones did`;
    case 'mtu-black-hole':
      return `MTU black hole: ${sizes(path, outcomes)}, and nobody says so, so that TCP hangs. ${cure(path, outcomes)}`;
    case 'mtu-too-large':
      return `the MTU is too large: ${sizes(path, outcomes)}. ${cure(path, outcomes)}`;
  }
}

function said(outcome: Outcome | undefined): string {
  return outcome !== undefined && 'detail' in outcome ? ` (${outcome.detail})` : '';
}

function notSent(outcomes: PathOutcomes | undefined): Outcome | undefined {
  return outcomes?.small.kind === 'not-sent' ? outcomes.small : outcomes?.full;
}

/** What a filter would have to let through. */
function wire(mode: Encapsulation, { vxlanPort, udpPort }: CheckWords): string {
  switch (mode) {
    case 'none':
      return 'ICMP';
    case 'ipip':
      return 'IP protocol 4 (IPIP)';
    case 'vxlan':
    case 'vxlan-v6':
      return `UDP port ${vxlanPort} (VXLAN)`;
    case 'udp':
      return `UDP port ${udpPort}`;
  }
}

function sizes({ host, todo }: Path, outcomes: PathOutcomes | undefined): string {
  const full = todo.kind === 'probe' ? todo.fullBytes : 0;
  return `packets of ${outcomes?.largestBytes ?? 0} bytes pass to ${host}, larger ones up to the MTU of ${full} do not`;
}

function cure({ mode }: Path, outcomes: PathOutcomes | undefined): string {
  const largest = outcomes?.largestBytes ?? 0;
  const underlay = (overhead: number) => `the MTU of the hosts' interfaces to ${largest + overhead}`;
  if (mode === 'none') return `Set ${underlay(0)}, or let the network carry more`;
  const field = mtuFields[mode];
  const own =
    field === undefined ? '' : `${field} of FelixConfiguration "default" to ${largest} or less, or `;
  return `Set ${own}${underlay(tunnelOverhead[mode])}, on every host`;
}

/** Which field of a FelixConfiguration holds the MTU. */
const mtuFields: Readonly<Record<TunnelKind, string | undefined>> = {
  ipip: 'ipipMTU',
  vxlan: 'vxlanMTU',
  'vxlan-v6': 'vxlanMTUV6',
  udp: undefined,
};
