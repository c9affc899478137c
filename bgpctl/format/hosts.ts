/** `bgpctl status --all` and `bgpctl node list`: every host of the cluster, as the store tells. Pure. */
import type { HostReport, HostsView, HostView } from '../../agent/control/types.js';
import type { FormatOptions } from './peers.js';
import { storeAwayWords } from './store-away.js';
import { type Column, type Row, renderTable } from './table.js';
import { type Colour, formatCount, formatSpan, painter, printable, wrapText } from './text.js';

const statusColumns: readonly Column[] = [
  { header: 'NODE', shrinkTo: 12 },
  { header: 'HOST' },
  { header: 'REPORT', align: 'right' },
  { header: 'PEERS', align: 'right' },
  { header: 'RIB' },
  { header: 'ROUTES', align: 'right' },
  { header: 'STORE' },
  { header: 'VERSION', shrinkTo: 7 },
];

const nodeColumns: readonly Column[] = [
  { header: 'NODE', shrinkTo: 12 },
  { header: 'ADDRESSES', shrinkTo: 18 },
  { header: 'HOST' },
  { header: 'SEEN', align: 'right' },
  { header: 'AS', align: 'right' },
  { header: 'VERSION', shrinkTo: 7 },
];

const wideNodeColumns: readonly Column[] = [
  ...nodeColumns,
  { header: 'UP', align: 'right' },
  { header: 'INSTANCE' },
];

/** Of one host without `-o wide`. */
const FINDINGS_SHOWN = 3;

/** Hosts with something that asks for a person first. */
export function formatHosts(view: HostsView, options: FormatOptions): string {
  const rows = view.hosts
    .map(host => ({ host, findings: findingsOf(host) }))
    .toSorted((a, b) => urgency(a.host, a.findings) - urgency(b.host, b.findings))
    .map(({ host, findings }): Row => {
      const shown = options.wide ? findings : findings.slice(0, FINDINGS_SHOWN);
      const rest = findings.length - shown.length;
      return {
        cells: statusCells(host),
        colours: statusColours(host),
        below: [...shown, ...(rest === 0 ? [] : [`and ${rest} more: -o wide`])],
      };
    });
  return `${headline(view, options)}\n${renderTable(statusColumns, rows, options)}`;
}

export function formatNodes(view: HostsView, options: FormatOptions): string {
  const columns = options.wide ? wideNodeColumns : nodeColumns;
  const rows = view.hosts.map((host): Row => {
    const { node, addresses, seenUnixMs, report } = host;
    const seen = seenUnixMs === null ? '' : formatSpan(options.now - seenUnixMs);
    const up = report === null ? '' : formatSpan(options.now - report.startedUnixMs);
    const cells = [node, addresses.join(','), lifeWord(host), host.life === 'no-agent' ? '' : seen];
    const said = [report?.asn?.toString() ?? '', report?.version ?? '', up, report?.instance ?? ''];
    return { cells: [...cells, ...said].slice(0, columns.length), colours: { 2: lifeColour(host) } };
  });
  return `${headline(view, options)}\n${renderTable(columns, rows, options)}`;
}

/** Exit code 1 with `--check`. */
export function hostsHaveFindings(view: HostsView): boolean {
  return view.storeAway !== null || view.hosts.some(host => host.life !== 'alive' || isInNeed(host));
}

/** Who is there, and who acts for all; or since when nobody can tell. */
export function headline(view: HostsView, options: FormatOptions): string {
  const paint = painter(options.colour);
  const lines: string[] = [];
  const say = (text: string, colour?: Colour) => {
    for (const part of wrapText(printable(text), options.width)) lines.push(`${paint(colour, part)}\n`);
  };
  const { storeAway, controller, hosts } = view;
  if (storeAway !== null)
    say(storeAwayWords(storeAway, 'Of other hosts their names alone are known.', options.now), 'red');
  const count = (life: HostView['life'], word: string) => {
    const found = hosts.filter(host => host.life === life).length;
    return found === 0 ? [] : [`${found} ${word}`];
  };
  const parts = [
    ...count('alive', 'alive'),
    ...count('silent', 'silent'),
    ...count('no-agent', 'without an agent'),
    ...count('unknown', 'unknown'),
  ];
  const part = controller === null ? 'no controller is known' : `controller: ${controller.node}`;
  say(`${formatCount(hosts.length, 'host')}: ${parts.join(', ')}; ${part}`);
  return lines.join('');
}

export function lifeWord({ life, self }: HostView): string {
  return self
    ? 'this host'
    : { alive: 'alive', silent: 'silent', 'no-agent': 'no agent', unknown: 'unknown' }[life];
}

export function lifeColour({ life }: HostView): Colour {
  return ({ alive: 'green', silent: 'red', 'no-agent': 'dim', unknown: 'yellow' } as const)[life];
}

/** "4s", "5m12s"; "none". */
export function reportAge({ reportAgeMs }: HostView): string {
  return reportAgeMs === null ? 'none' : formatSpan(reportAgeMs);
}

export function sessionsOf({ sessions, sessionsLeftOut }: HostReport): number {
  return sessions.length + sessionsLeftOut;
}

function statusCells(host: HostView): string[] {
  const { report } = host;
  const own = [host.node, lifeWord(host), reportAge(host)];
  if (report === null) return own;
  return [
    ...own,
    `${report.established}/${sessionsOf(report)}`,
    report.ribInSync ? 'in sync' : 'waiting',
    String(report.kernel.programmed),
    report.store === 'in-sync' ? 'in sync' : report.store,
    report.version,
  ];
}

function statusColours(host: HostView): NonNullable<Row['colours']> {
  const { report } = host;
  if (report === null || host.life === 'silent') return { 1: lifeColour(host) };
  const peers: Colour = report.established === sessionsOf(report) ? 'green' : 'yellow';
  return {
    ...{ 1: lifeColour(host), 3: peers },
    4: report.ribInSync ? 'green' : 'yellow',
    6: report.store === 'in-sync' ? 'green' : 'red',
  };
}

/** In sentences; of a host that is gone nothing but that: what it said is over. */
function findingsOf(host: HostView): readonly string[] {
  const { report, life, reportAgeMs } = host;
  if (host.deleted) return ['It was deleted. Its lease is left to tell its agent, should that come back.'];
  if (life === 'silent') {
    return [
      reportAgeMs === null
        ? 'It has not renewed its lease, and has left no report.'
        : `It has not renewed its lease; what is shown is what it said ${formatSpan(reportAgeMs)} ago.`,
    ];
  }
  if (report === null) return life === 'alive' ? ['It has not reported yet.'] : [];
  const { speaker, kernel, policyInForce, invalidDocuments, conditions, conditionsLeftOut } = report;
  return [
    ...(speaker === 'running' ? [] : [`The speaker is ${speaker}.`]),
    ...(kernel.refused === 0 ? [] : [`The kernel refuses ${formatCount(kernel.refused, 'route')}.`]),
    ...(kernel.pending === 0 ? [] : [`${formatCount(kernel.pending, 'route')} pending.`]),
    ...(policyInForce === false ? ['Policy is not in force yet.'] : []),
    ...(invalidDocuments === 0 ? [] : [`${formatCount(invalidDocuments, 'invalid document')}.`]),
    ...conditions.map(({ severity, message }) => `${severity}: ${message}`),
    ...(conditionsLeftOut === 0
      ? []
      : [`${formatCount(conditionsLeftOut, 'more condition')}: bgpctl status there`]),
  ];
}

function isInNeed({ report }: HostView): boolean {
  if (report === null) return true;
  return (
    report.speaker !== 'running' ||
    report.store !== 'in-sync' ||
    report.kernel.refused > 0 ||
    report.invalidDocuments > 0 ||
    report.established < sessionsOf(report) ||
    report.conditions.some(({ severity }) => severity === 'error')
  );
}

function urgency(host: HostView, findings: readonly string[]): number {
  if (host.life === 'silent') return 0;
  if (host.life === 'alive' && isInNeed(host)) return 1;
  return findings.length > 0 ? 2 : 3;
}
