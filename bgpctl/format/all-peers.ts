/** `bgpctl peers --all`: the sessions of every host, as it has reported them. Pure. */
import type { HostsView, HostView, SessionReport } from '../../agent/control/types.js';
import { headline, lifeWord, reportAge, sessionsOf } from './hosts.js';
import type { FormatOptions } from './peers.js';
import { type Column, type Row, renderTable } from './table.js';
import { type Colour, formatCount, formatSpan } from './text.js';

const columns: readonly Column[] = [
  { header: 'NODE', shrinkTo: 10 },
  { header: 'REPORT', align: 'right' },
  { header: 'PEER', shrinkTo: 10 },
  { header: 'ADDRESS', shrinkTo: 15 },
  { header: 'AS', align: 'right' },
  { header: 'STATE' },
  { header: 'SINCE', align: 'right' },
  { header: 'RCVD', align: 'right' },
  { header: 'ADV', align: 'right' },
];

/** In larger clusters those that are Established are counted, unless all are asked for. */
const ALL_SHOWN = 100;

/** Hosts with sessions that are down first, of each host those that are down first. */
export function formatAllPeers(view: HostsView, options: FormatOptions): string {
  const total = view.hosts.reduce((sum, { report }) => sum + (report === null ? 0 : sessionsOf(report)), 0);
  const every = options.wide || total <= ALL_SHOWN;
  const rows = view.hosts
    .toSorted((a, b) => urgency(a) - urgency(b))
    .flatMap(host => rowsOf(host, every, options.now));
  const table = renderTable(columns, rows, options);
  const hint = every ? '' : `\nSessions that are Established are counted: -o wide shows each.\n`;
  return `${headline(view, options)}\n${table}${hint}`;
}

/** Whether all hosts live and report, and all their sessions are Established. */
export function allEstablished(view: HostsView): boolean {
  return view.storeAway === null && view.hosts.every(host => host.life === 'alive' && downOf(host) === 0);
}

function rowsOf(host: HostView, every: boolean, now: number): readonly Row[] {
  const { node, report, life } = host;
  const own = [node, reportAge(host)];
  const line = (text: string, colour: Colour): Row => ({
    cells: [...own, '-'],
    below: [text],
    colours: { 1: colour },
  });
  if (report === null) return [line(noReport(host), life === 'no-agent' ? 'dim' : 'red')];
  const { established } = report;
  const sessions = `${established} of ${formatCount(sessionsOf(report), 'session')}`;
  if (life === 'silent')
    return [
      line(
        `It is silent; ${sessions} ${established === 1 ? 'was' : 'were'} Established when it reported last.`,
        'red',
      ),
    ];
  if (sessionsOf(report) === 0) return [line('It has no peers.', 'dim')];
  const shown = report.sessions.filter(({ state }) => every || state !== 'Established');
  const rows = shown.map(session => sessionRow(own, session, now));
  const more = sessionsOf(report) - shown.length;
  if (more === 0) return rows;
  const state = every ? 'not listed in its report' : 'Established';
  return [
    ...rows,
    { cells: [...own, `${more} ${rows.length === 0 ? '' : 'more '}${state}`], colours: { 2: 'green' } },
  ];
}

function sessionRow(own: readonly string[], session: SessionReport, now: number): Row {
  const { name, address, asn, state, sinceUnixMs, received, advertised, info } = session;
  const cells = [name === '' ? address : name, address, String(asn), state, formatSpan(now - sinceUnixMs)];
  return {
    cells: [...own, ...cells, String(received), String(advertised)],
    colours: { 5: stateColour(state) },
    ...(info === '' ? {} : { below: [info] }),
  };
}

function noReport(host: HostView): string {
  switch (host.life) {
    case 'alive':
      return 'It has not reported yet.';
    case 'silent':
      return 'It is silent, and has left no report.';
    case 'no-agent':
      return 'No agent holds its name.';
    case 'unknown':
      return `Its report cannot be read: it is ${lifeWord(host)}.`;
  }
}

function stateColour(state: string): Colour {
  if (state === 'Established') return 'green';
  return state === 'OpenSent' || state === 'OpenConfirm' ? 'yellow' : 'red';
}

function downOf({ report }: HostView): number {
  return report === null ? 1 : sessionsOf(report) - report.established;
}

function urgency(host: HostView): number {
  if (host.life === 'silent') return 0;
  if (host.life === 'alive' && downOf(host) > 0) return 1;
  return host.life === 'alive' ? 2 : 3;
}
