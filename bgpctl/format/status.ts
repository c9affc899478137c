/** `bgpctl status`: what the agent is at, and below it everything that a person should look at. Pure. */
import type { AgentStatus, ControlProblem } from '../../agent/control/types.js';
import { endpointText } from '../../core/ip-address.js';
import type { FormatOptions } from './peers.js';
import { type Colour, formatCount, formatSpan, painter, printable, wrapText } from './text.js';

type Line = readonly [label: string, value: string, colour?: Colour];

export function formatStatus(status: AgentStatus, options: FormatOptions): string {
  const paint = painter(options.colour);
  const lines: Line[] = [
    ['Node', nodeLine(status, options.now)],
    ...ipv6Line(status),
    speakerLine(status),
    ...status.speaker.listenErrors.map((error): Line => ['', error, 'red']),
    peersLine(status),
    storeLine(status, options.now),
    ...clusterLines(status, options.now),
    ribLine(status),
    kernelLine(status),
    ...status.tunnels.map((tunnel, i) => tunnelLine(tunnel, i === 0)),
    ...policyLines(status),
    ...staleLine(status, options.now),
    ...status.bmpStations.map((station, i) => stationLine(station, i === 0, options.now)),
  ];
  const width = 9;
  const body = lines.flatMap(([label, value, colour]) =>
    wrapText(printable(value), Math.max(20, options.width - width - 1)).map((part, i) =>
      `${paint('bold', (i === 0 ? label : '').padEnd(width))} ${paint(colour, part)}`.trimEnd(),
    ),
  );
  return [...body, ...findingLines(status, options)].map(line => `${line}\n`).join('');
}

/** True if something on the page asks for a person: exit code 1 with `--check`. */
export function hasFindings(status: AgentStatus): boolean {
  return (
    status.speaker.state !== 'running' ||
    status.speaker.listenErrors.length > 0 ||
    status.store.state !== 'in-sync' ||
    status.membership.standing !== 'member' ||
    status.dataplane.refused.length > 0 ||
    status.invalidDocuments.length > 0 ||
    status.conditions.some(({ severity }) => severity === 'error')
  );
}

function nodeLine(status: AgentStatus, now: number): string {
  const address =
    status.nodeAddress === null
      ? 'no address'
      : `${status.nodeAddress.address}, ${status.nodeAddress.reason}`;
  const up = formatSpan(now - status.startedUnixMs);
  return `${status.nodeName} (${address}); margay-agent ${status.version}, pid ${status.pid}, up ${up}`;
}

/** Nothing of a host that has no IPv6. */
function ipv6Line({ nodeIpv6Address: own, noIpv6AddressReason }: AgentStatus): Line[] {
  if (own !== null) return [['IPv6', `${own.address}, ${own.reason}`]];
  return noIpv6AddressReason === '' ? [] : [['IPv6', `none: ${noIpv6AddressReason}`, 'yellow']];
}

function speakerLine({ speaker }: AgentStatus): Line {
  const where = speaker.listening.map(endpointText).join(', ');
  const facts = [
    speaker.state,
    ...(speaker.asn === null ? [] : [`AS ${speaker.asn}`]),
    ...(speaker.routerId === null ? [] : [`router id ${speaker.routerId}`]),
    where === '' ? 'listening nowhere' : `listening on ${where}`,
    ...(speaker.restarts === 0 ? [] : [`restarted ${formatCount(speaker.restarts, 'time')}`]),
  ];
  return ['Speaker', facts.join(', '), speaker.state === 'running' ? 'green' : 'red'];
}

function peersLine({ peers }: AgentStatus): Line {
  const colour = peers.established === peers.total ? 'green' : 'yellow';
  return ['Peers', peers.total === 0 ? 'none' : `${peers.established} of ${peers.total} established`, colour];
}

function storeLine({ store }: AgentStatus, now: number): Line {
  if (store.state === 'unavailable') {
    const since = store.sinceUnixMs === null ? '' : ` for ${formatSpan(now - store.sinceUnixMs)}`;
    const detail = store.detail === '' ? '' : ` (${store.detail})`;
    const which = store.copy ? 'of a copy from before this start' : 'that are known';
    const resources = formatCount(store.resources, 'resource');
    const goesOn = `sessions and routes go on by the ${resources} ${which}`;
    const words = `away${since}${detail}, ${store.location}: ${goesOn}; no document can be written`;
    return ['Store', words, 'red'];
  }
  const words = { loading: 'loading', 'in-sync': 'in sync' }[store.state];
  const detail = store.detail === '' ? '' : `: ${store.detail}`;
  const colour = store.state === 'in-sync' ? 'green' : 'yellow';
  return [
    'Store',
    `${words}${detail}, ${formatCount(store.resources, 'resource')}, ${store.location}`,
    colour,
  ];
}

/** Why a host is none of the cluster stands among the conditions. */
function clusterLines({ membership, controller }: AgentStatus, now: number): Line[] {
  const standing = { member: '', pending: 'announces nothing yet; ', withheld: 'announces nothing; ' }[
    membership.standing
  ];
  const who =
    controller === null
      ? 'no controller is known'
      : `controller: ${controller.self ? 'this host' : controller.node}, since ${formatSpan(now - controller.sinceUnixMs)}`;
  const colours = { member: undefined, pending: 'yellow', withheld: 'red' } as const;
  const colour = colours[membership.standing];
  return [colour === undefined ? ['Cluster', `${standing}${who}`] : ['Cluster', `${standing}${who}`, colour]];
}

function ribLine({ rib }: AgentStatus): Line {
  if (!rib.inSync) return ['RIB', "waiting for every peer's routes (End-of-RIB)", 'yellow'];
  return rib.timedOut
    ? ['RIB', 'in sync by time-out: not every peer sent End-of-RIB', 'yellow']
    : ['RIB', 'in sync', 'green'];
}

function kernelLine({ dataplane }: AgentStatus): Line {
  if (dataplane.kind === 'none') return ['Kernel', 'no dataplane: routes are not programmed'];
  const pending = dataplane.pending === 0 ? '' : `, ${dataplane.pending} pending`;
  const refused = dataplane.refused.length === 0 ? '' : `, ${dataplane.refused.length} refused`;
  const colour = refused !== '' ? 'red' : pending !== '' ? 'yellow' : 'green';
  return ['Kernel', `${formatCount(dataplane.programmed, 'route')} programmed${pending}${refused}`, colour];
}

/** The last few times that others took rules of ours away. */
const EXPOSURES_SHOWN = 3;

function policyLines({ policy }: AgentStatus): Line[] {
  if (policy === null) return [];
  const { backend, backendReason, inForce, waitingFor, endpoints, policies, rules, sets } = policy;
  const facts = [
    inForce ? 'in force' : `not in force yet${waitingFor === null ? '' : `: ${waitingFor}`}`,
    `${formatCount(endpoints, 'endpoint')}, ${formatCount(policies, 'policy', 'policies')}`,
    `${formatCount(rules, 'rule')} and ${formatCount(sets, 'set')}`,
    ...(backend === null ? [] : [`iptables-${backend} (${backendReason})`]),
  ];
  const exposures = policy.exposures.slice(-EXPOSURES_SHOWN).map(exposure => {
    const { what, by, exact, milliseconds, healed, agoMilliseconds } = exposure;
    const span = `${exact ? '' : 'at most '}${milliseconds} ms`;
    const who = by === null ? '' : ` by ${by}`;
    return healed
      ? `taken away${who} ${formatSpan(agoMilliseconds)} ago and put back after ${span}: ${what}`
      : `taken away${who}, not put back yet: ${what}`;
  });
  return [
    ['Policy', facts.join('; '), inForce ? 'green' : 'yellow'],
    ...exposures.map((text): Line => ['', text, 'yellow']),
  ];
}

function stationLine(
  { address, port, adjRibIn, state, detail, sinceUnixMs }: AgentStatus['bmpStations'][number],
  first: boolean,
  now: number,
): Line {
  const label = first ? 'BMP' : '';
  const which = { 'pre-policy': '', 'post-policy': ' after policy', both: ' before and after policy' }[
    adjRibIn
  ];
  const place = `${endpointText({ address, port })}${which}`;
  const since = formatSpan(now - sinceUnixMs);
  if (state === 'waiting') return [label, `${place} not reached since ${since}: ${detail}`, 'yellow'];
  return [label, `${place} ${state === 'in-sync' ? 'in sync' : 'is being told the table'} since ${since}`];
}

function tunnelLine(tunnel: AgentStatus['tunnels'][number], first: boolean): Line {
  const { state, device, address, mtu, routes, hostsReady, hosts } = tunnel;
  const label = first ? 'Tunnels' : '';
  const name = { ipip: 'IPIP', vxlan: 'VXLAN', 'vxlan-v6': 'VXLAN over IPv6', udp: 'UDP' }[tunnel.tunnel];
  // Why stands among the conditions.
  if (state === 'unavailable') return [label, `${name} unavailable`, 'red'];
  const facts = [
    `${name} ${state}, ${device}`,
    ...(address === null ? [] : [address]),
    `MTU ${mtu}`,
    formatCount(routes, 'route'),
    `${hostsReady} of ${formatCount(hosts, 'host')} ready`,
  ];
  return [label, facts.join(', '), state === 'open' && hostsReady === hosts ? 'green' : 'yellow'];
}

function staleLine({ dataplane, store }: AgentStatus, now: number): Line[] {
  if (dataplane.stale === 0) return [];
  const deadline = dataplane.staleDeadlineUnixMs;
  const removal = deadline === null ? '' : `; removed in ${formatSpan(deadline - now)} unless confirmed`;
  const when = store.state === 'in-sync' ? removal : '; kept until the store has been read';
  return [['Stale', `${formatCount(dataplane.stale, 'route')} from before the restart${when}`, 'yellow']];
}

// ---------------------------------------------------------------- findings

const inPlaceWords = {
  'last-good': 'its last good version stays in force',
  'tier-default': 'no version of it was good: whom it is for goes by the default of its tier',
} as const;

function findingLines(status: AgentStatus, options: FormatOptions): string[] {
  const paint = painter(options.colour);
  const lines: string[] = [];
  const section = (title: string) => lines.push('', paint('bold', title));
  const item = (text: string, indent: number, colour?: Colour) => {
    for (const part of wrapText(printable(text), Math.max(20, options.width - indent))) {
      lines.push(' '.repeat(indent) + paint(colour, part));
    }
  };
  if (status.dataplane.refused.length > 0) {
    section('Refused by the kernel');
    for (const { object, error } of status.dataplane.refused) item(`${object}: ${error}`, 2, 'red');
  }
  if (status.invalidDocuments.length > 0) {
    section('Invalid documents');
    for (const { location, id, problems, inForce } of status.invalidDocuments) {
      item(id === null ? location : `${location} ${id}`, 2, 'red');
      for (const problem of problems) item(problemLine(problem), 4);
      if (inForce !== 'nothing') item(inPlaceWords[inForce], 4);
    }
  }
  if (status.conditions.length > 0) {
    section('Conditions');
    for (const { severity, message } of status.conditions) {
      item(`${severity}: ${message}`, 2, severity === 'error' ? 'red' : 'yellow');
    }
  }
  return lines;
}

/** "spec.asNumber: "abc" is not 1 to 4294967295": what the error says already is not said again. */
export function problemLine({ error, field, value, allowed }: ControlProblem): string {
  const where = field === undefined || field === '' || error.startsWith(`${field}: `) ? '' : `${field}: `;
  const found = value === undefined || error.includes(value) ? '' : ` "${value}"`;
  const limits = allowed === undefined || error.includes(allowed) ? '' : ` (allowed: ${allowed})`;
  return `${where}${error}${found}${limits}`;
}
