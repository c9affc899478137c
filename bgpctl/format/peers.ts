/** `bgpctl peers`: the table and the detail page. Pure. */
import type { NotificationStatus, PeerStatus, PeerView } from '../../agent/control/types.js';
import { endpointText } from '../../core/ip-address.js';
import { bfdFacts } from './bfd.js';
import { type Column, columnWidths, type Row, renderTable, tableWidth } from './table.js';
import { type Colour, formatCount, formatSpan, painter, printable, wrapText } from './text.js';

export interface FormatOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly wide: boolean;
}

const narrowColumns: readonly Column[] = [
  { header: 'PEER', shrinkTo: 15 },
  { header: 'NAME', shrinkTo: 6 },
  { header: 'TYPE' },
  { header: 'AS', align: 'right' },
  { header: 'STATE' },
  { header: 'SINCE', align: 'right' },
  { header: 'RCVD', align: 'right' },
  { header: 'ACC', align: 'right' },
  { header: 'ADV', align: 'right' },
];
const infoColumn: Column = { header: 'INFO' };

const wideColumns: readonly Column[] = [
  { header: 'PEER' },
  { header: 'PORT', align: 'right' },
  { header: 'KEY' },
  { header: 'NAME' },
  { header: 'TYPE' },
  { header: 'AS', align: 'right' },
  { header: 'LOCAL AS', align: 'right' },
  { header: 'LOCAL ADDRESS' },
  { header: 'STATE' },
  { header: 'BFD' },
  { header: 'SINCE', align: 'right' },
  { header: 'RECEIVED', align: 'right' },
  { header: 'ACCEPTED', align: 'right' },
  { header: 'ADVERTISED', align: 'right' },
  { header: 'STALE', align: 'right' },
  infoColumn,
];

const shortTypes: Readonly<Record<string, string>> = {
  'node-to-node mesh': 'mesh',
  'route reflector': 'reflector',
  'fellow reflector': 'fellow',
  'reflector client': 'client',
  'node specific': 'node',
  global: 'global',
};

/** INFO stands in the row where every row has room for it, else below its row. */
export function formatPeers(peers: readonly PeerView[], options: FormatOptions): string {
  if (peers.length === 0) return 'There are no peers.\n';
  if (options.wide) {
    const rows = peers.map(peer => ({
      cells: wideCells(peer, options.now),
      colours: { 8: stateColour(peer) },
    }));
    return renderTable(wideColumns, rows, { width: Number.MAX_SAFE_INTEGER, colour: options.colour });
  }
  const rows: Row[] = peers.map(peer => ({
    cells: narrowCells(peer, options.now),
    colours: { 4: stateColour(peer) },
  }));
  const columns = [...narrowColumns, infoColumn];
  const inline = rows.map((row, i) => ({ ...row, cells: [...row.cells, infoOf(peers[i] as PeerStatus)] }));
  if (tableWidth(columnWidths(columns, inline)) <= options.width)
    return renderTable(columns, inline, options);
  const below = rows.map((row, i) => {
    const info = infoOf(peers[i] as PeerStatus);
    return info === '' ? row : { ...row, below: [info] };
  });
  return renderTable(narrowColumns, below, options);
}

function narrowCells(peer: PeerStatus, now: number): string[] {
  const { received, accepted, advertised } = peer.routes;
  return [
    peer.address,
    peer.name,
    shortTypes[peer.type] ?? peer.type,
    String(peer.asn),
    peer.state,
    formatSpan(now - peer.sinceUnixMs),
    ...[received, accepted, advertised].map(String),
  ];
}

function wideCells(peer: PeerView, now: number): string[] {
  const { received, accepted, advertised, stale } = peer.routes;
  return [
    peer.address,
    String(peer.port),
    peer.key,
    peer.name,
    peer.type,
    String(peer.asn),
    String(peer.localAsn),
    peer.session?.localAddress ?? '',
    peer.state,
    peer.bfdSession?.state ?? '',
    formatSpan(now - peer.sinceUnixMs),
    ...[received, accepted, advertised, stale].map(String),
    infoOf(peer),
  ];
}

function infoOf(peer: PeerStatus): string {
  const stale = peer.routes.stale === 0 ? '' : `${formatCount(peer.routes.stale, 'stale route')}`;
  return [peer.info, stale].filter(part => part !== '').join('; ');
}

export function stateColour(peer: PeerStatus): Colour {
  if (peer.state === 'Established') return 'green';
  return peer.state === 'OpenSent' || peer.state === 'OpenConfirm' ? 'yellow' : 'red';
}

// ---------------------------------------------------------------- one peer

/** Everything known of a peer, a fact a line. */
export function formatPeer(peer: PeerView, options: FormatOptions): string {
  const paint = painter(options.colour);
  const since = formatSpan(options.now - peer.sinceUnixMs);
  const lines: (readonly [string, string])[] = [
    ['State', `${paint(stateColour(peer), peer.state)} for ${since}`],
    ...(peer.info === '' ? [] : [['Info', printable(peer.info)] as const]),
    ['Type', `${peer.type}, key ${peer.key}`],
    ['AS', peer.asn === peer.localAsn ? `${peer.asn} (iBGP)` : `${peer.asn}, ours ${peer.localAsn} (eBGP)`],
    ['Routes', routeCounts(peer)],
    ...sessionFacts(peer),
    ...(peer.bfdSession === undefined ? [] : bfdFacts(peer.bfdSession, options.now)),
    ['Last NOTIFICATION sent', notification(peer.lastNotificationSent, options.now)],
    ['Last NOTIFICATION received', notification(peer.lastNotificationReceived, options.now)],
    ...counterFacts(peer),
  ];
  if (peer.longLivedDeadlineUnixMs !== undefined) {
    lines.push(['Long-lived stale routes go in', formatSpan(peer.longLivedDeadlineUnixMs - options.now)]);
  }
  if (peer.staleDeadlineUnixMs !== undefined) {
    lines.push(['Stale routes go in', formatSpan(peer.staleDeadlineUnixMs - options.now)]);
  }
  const title = `${endpointText(peer)}${peer.name === '' ? '' : ` (${peer.name})`}`;
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  const body = lines
    .flatMap(([label, value]) =>
      wrapText(value, Math.max(30, options.width - width - 2)).map(
        (part, i) => `  ${(i === 0 ? label : '').padEnd(width)}${part}\n`,
      ),
    )
    .join('');
  return `${paint('bold', printable(title))}\n${body}`;
}

function routeCounts({ routes }: PeerStatus): string {
  const stale = routes.stale === 0 ? '' : `, ${routes.stale} stale`;
  return `${routes.received} received, ${routes.accepted} accepted, ${routes.advertised} advertised${stale}`;
}

function sessionFacts(peer: PeerStatus): (readonly [string, string])[] {
  const { session } = peer;
  if (session === undefined) return [['Local address', `none yet (${peer.localAddressReason})`]];
  const restart = session.gracefulRestart;
  return [
    ['Local address', `${session.localAddress}:${session.localPort} (${peer.localAddressReason})`],
    ['Remote router id', session.remoteRouterId],
    ['Timers', `hold ${session.holdTimeSeconds} s, keepalive ${session.keepaliveSeconds} s`],
    ['Families', session.families.join(', ') || 'none'],
    ['4-octet AS', session.fourOctetAs ? 'yes' : 'no'],
    [
      'Graceful restart',
      restart === undefined
        ? 'not negotiated'
        : `restart time ${restart.restartTimeSeconds} s, forwarding kept for ${restart.forwarding.join(', ') || 'nothing'}${restart.notification ? ', also after a NOTIFICATION' : ''}`,
    ],
    ...longLivedFacts(session),
    ['Route refresh', session.routeRefresh],
    [
      'End-of-RIB',
      `received ${session.endOfRibReceived.join(', ') || 'none'}; sent ${session.endOfRibSent.join(', ') || 'none'}`,
    ],
    ['Capabilities sent', session.capabilitiesSent.join(', ') || 'none'],
    ['Capabilities received', printable(session.capabilitiesReceived.join(', ')) || 'none'],
  ];
}

function longLivedFacts({
  longLivedStale,
}: NonNullable<PeerStatus['session']>): (readonly [string, string])[] {
  if (longLivedStale.length === 0) return [];
  const times = longLivedStale.map(
    ({ family, staleSeconds }) => `${family} ${formatSpan(staleSeconds * 1000)}`,
  );
  return [['Long-lived stale time', times.join(', ')]];
}

function counterFacts({ counters }: PeerStatus): (readonly [string, string])[] {
  const messages = `${counters.messagesReceived} in (${counters.updatesReceived} UPDATE), ${counters.messagesSent} out (${counters.updatesSent} UPDATE)`;
  const repaired = `${counters.treatedAsWithdraw} treated as withdraw, ${counters.attributesDiscarded} attributes discarded`;
  return [
    ['Messages', messages],
    ['Bytes', `${counters.bytesReceived} in, ${counters.bytesSent} out`],
    ['Sessions established', String(counters.established)],
    ['Malformed attributes', repaired],
  ];
}

function notification(status: NotificationStatus | undefined, now: number): string {
  if (status === undefined) return 'never';
  return `${printable(status.words)}, ${formatSpan(now - status.atUnixMs)} ago`;
}
