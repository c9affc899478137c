/** `bgpctl bfd`: the table, and what a peer's page says of its BFD session. Pure. */
import type { BfdSessionStatus, BfdView } from '../../agent/control/types.js';
import type { FormatOptions } from './peers.js';
import { type Column, type Row, renderTable } from './table.js';
import { type Colour, formatCount, formatSpan, wrapText } from './text.js';

const narrowColumns: readonly Column[] = [
  { header: 'PEER', shrinkTo: 15 },
  { header: 'STATE' },
  { header: 'SINCE', align: 'right' },
  { header: 'INTERVAL', align: 'right' },
  { header: 'DETECT', align: 'right' },
  { header: 'FLAPS', align: 'right' },
  { header: 'LAST DOWN', shrinkTo: 12 },
];

const wideColumns: readonly Column[] = [
  { header: 'PEER' },
  { header: 'LOCAL ADDRESS' },
  { header: 'INTERFACE' },
  { header: 'HOPS' },
  { header: 'STATE' },
  { header: 'REMOTE STATE' },
  { header: 'SINCE', align: 'right' },
  { header: 'INTERVAL', align: 'right' },
  { header: 'DETECT', align: 'right' },
  { header: 'FLAPS', align: 'right' },
  { header: 'LAST DOWN' },
  { header: 'DISCRIMINATORS' },
  { header: 'RECEIVED', align: 'right' },
  { header: 'SENT', align: 'right' },
  { header: 'WRONG TTL', align: 'right' },
];

/** What stands in a session's way stands below it; packets of no session at the end. */
export function formatBfd({ sessions, discarded }: BfdView, options: FormatOptions): string {
  if (sessions.length === 0) return 'There are no BFD sessions.\n';
  const cells = options.wide ? wideCells : narrowCells;
  const rows: Row[] = sessions.map(session => ({
    cells: cells(session, options.now),
    colours: { [options.wide ? 4 : 1]: bfdColour(session) },
    ...(session.info === '' ? {} : { below: [session.info] }),
  }));
  const width = options.wide ? Number.MAX_SAFE_INTEGER : options.width;
  const table = renderTable(options.wide ? wideColumns : narrowColumns, rows, { ...options, width });
  const { strangers, wrongTtl, malformed, unseen } = discarded;
  if (strangers + wrongTtl + malformed + unseen === 0) return table;
  const parts = [
    `${strangers} from strangers`,
    `${wrongTtl} with a wrong TTL`,
    `${malformed} malformed`,
    `${unseen} dropped by the kernel`,
  ];
  const words = wrapText(`Packets discarded: ${parts.join(', ')}.`, options.width);
  return `${table}\n${words.map(line => `${line}\n`).join('')}`;
}

export function bfdColour({ verdict }: BfdSessionStatus): Colour {
  if (verdict === 'up') return 'green';
  return verdict === 'down' ? 'red' : 'yellow';
}

/** Lines of the page about one peer. */
export function bfdFacts(
  session: BfdSessionStatus,
  now: number,
): readonly (readonly [label: string, value: string])[] {
  const { remote } = session;
  const { packetsReceived, packetsSent } = session.counters;
  const hops = session.multihop ? 'several hops' : 'one hop';
  const down = session.flaps === 0 ? '' : `, last down: ${session.diagnostic.words}`;
  return [
    ['BFD', `${session.state} for ${formatSpan(now - session.sinceUnixMs)}, ${hops}${infoOf(session)}`],
    ['BFD timers', `sends every ${milliseconds(session.transmitIntervalMs)}, ${detection(session)}`],
    [
      'BFD remote',
      remote === undefined
        ? 'silent'
        : `${remote.state}, sends every ${remote.minTxMs} ms, wants one every ${remote.minRxMs} ms, multiplier ${remote.multiplier}`,
    ],
    [
      'BFD packets',
      `${packetsReceived} in, ${packetsSent} out; ${formatCount(session.flaps, 'flap')}${down}`,
    ],
  ];
}

function narrowCells(session: BfdSessionStatus, now: number): string[] {
  return [
    session.interface === undefined ? session.address : `${session.address}%${session.interface}`,
    session.state,
    formatSpan(now - session.sinceUnixMs),
    milliseconds(session.transmitIntervalMs),
    session.detectionTimeMs === undefined ? '' : milliseconds(session.detectionTimeMs),
    String(session.flaps),
    session.flaps === 0 ? '' : session.diagnostic.words,
  ];
}

function wideCells(session: BfdSessionStatus, now: number): string[] {
  const [, state, since, ...timers] = narrowCells(session, now);
  return [
    session.address,
    session.localAddress ?? '',
    session.interface ?? '',
    session.multihop ? 'several' : 'one',
    state!,
    session.remote?.state ?? 'silent',
    since!,
    ...timers,
    `${session.localDiscriminator} ${session.remote?.discriminator ?? '-'}`,
    ...[session.counters.packetsReceived, session.counters.packetsSent, session.counters.wrongTtl].map(
      String,
    ),
  ];
}

function detection({ detectionTimeMs }: BfdSessionStatus): string {
  return detectionTimeMs === undefined
    ? 'hears nothing'
    : `waits ${milliseconds(detectionTimeMs)} before it is down`;
}

function infoOf({ info }: BfdSessionStatus): string {
  return info === '' ? '' : `: ${info}`;
}

/** The peer wants no packets: none go. */
function milliseconds(time: number | undefined): string {
  return time === undefined ? 'never' : `${Math.round(time)} ms`;
}
