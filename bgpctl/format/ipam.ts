/** `bgpctl ipam`: pools, blocks and addresses, and what does not fit together. Pure. */
import type {
  AddressView,
  BlockUsage,
  IpamAssignment,
  IpamCheckView,
  IpamReleaseResult,
  IpamView,
  PoolUsage,
} from '../../agent/control/ipam-types.js';
import { type Column, type Row, renderTable } from './table.js';
import { type Colour, formatCount, formatSpan, painter, printable, wrapText } from './text.js';

export interface IpamFormat {
  readonly width: number;
  readonly colour: boolean;
}

const usageColumns: readonly Column[] = [
  { header: 'TOTAL', align: 'right' },
  { header: 'IN USE', align: 'right' },
  { header: 'RESERVED', align: 'right' },
  { header: 'FREE', align: 'right' },
];

export function formatIpam({ pools }: IpamView, blocks: boolean, options: IpamFormat): string {
  if (pools.length === 0) return 'There are no pools.\n';
  const columns = [
    { header: 'POOL', shrinkTo: 8 },
    { header: 'CIDR' },
    ...usageColumns,
    ...(blocks ? [{ header: 'NODE', shrinkTo: 6 }, { header: 'LENT', align: 'right' } as const] : []),
  ];
  const rows = pools.flatMap(pool => [poolRow(pool), ...(blocks ? pool.blocks.map(blockRow) : [])]);
  return renderTable(columns, rows, options);
}

function poolRow(pool: PoolUsage): Row {
  const name = `${pool.pool ?? '(in no pool)'}${pool.disabled ? ' (disabled)' : ''}`;
  return { cells: [name, pool.cidr ?? '', ...usageCells(pool)], ...full(pool) };
}

function blockRow(block: BlockUsage): Row {
  const node = block.node === null ? "nobody's" : `${block.node}${block.byHand ? ' (by hand)' : ''}`;
  const borrowed = block.borrowed === 0 ? '' : String(block.borrowed);
  return { cells: ['  block', block.cidr, ...usageCells(block), node, borrowed], ...full(block) };
}

function full({ free }: Pick<PoolUsage, 'free'>): { readonly colours?: Readonly<Record<number, Colour>> } {
  return free === 0 ? { colours: { 5: 'red' } } : {};
}

function usageCells({
  total,
  inUse,
  reserved,
  free,
}: Pick<PoolUsage, 'total' | 'inUse' | 'reserved' | 'free'>) {
  return [amount(total), `${amount(inUse)} (${share(inUse, total)})`, amount(reserved), amount(free)];
}

/** What nobody counts one by one: 1.84e+19. */
function amount(count: number): string {
  return count < 1e9 ? String(count) : count.toExponential(2);
}

/** "0%" is none, "100%" all. */
function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 1) return '<1%';
  if (percent > 99 && percent < 100) return '>99%';
  return `${Math.round(percent)}%`;
}

export function formatAddresses(views: readonly AddressView[], now: number, options: IpamFormat): string {
  if (views.length === 0) return 'No address is given out.\n';
  const columns: Column[] = [
    { header: 'ADDRESS' },
    { header: 'NODE', shrinkTo: 8 },
    { header: 'SINCE', align: 'right' },
    { header: 'HANDLE', shrinkTo: 12 },
    { header: 'FOR', wraps: true },
  ];
  const rows = views.map(({ address, allocation, owner }): Row => {
    if (allocation === null) return { cells: [address] };
    const { node, handle, allocatedUnixMs, attributes } = allocation;
    const where = `${node}${owner === node ? '' : ' (borrowed)'}`;
    return {
      cells: [address, where, formatSpan(now - allocatedUnixMs), handle, attributeWords(attributes)],
    };
  });
  return renderTable(columns, rows, options);
}

function attributeWords(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

export function formatAddress(view: AddressView, now: number, { colour, width }: IpamFormat): string {
  const paint = painter(colour);
  const { allocation, block, owner, pool, users, releasedUnixMs } = view;
  const lines: (readonly [name: string, value: string])[] = [];
  const add = (name: string, value: string | null) =>
    value !== null && value !== '' && lines.push([name, value]);
  if (allocation !== null) {
    add('handle', allocation.handle);
    const isBorrowed = block !== null && owner !== allocation.node;
    add('on', `${allocation.node}${isBorrowed ? ' (borrowed)' : ''}`);
    const span = formatSpan(now - allocation.allocatedUnixMs);
    add('since', `${new Date(allocation.allocatedUnixMs).toISOString()} (${span} ago)`);
    add('for', attributeWords(allocation.attributes));
  }
  add('used by', users.join(', '));
  if (block !== null) add('block', `${block} of ${owner ?? 'nobody'}`);
  add('pool', pool);
  if (releasedUnixMs !== null) add('released', `${formatSpan(now - releasedUnixMs)} ago`);
  const head = `${paint('bold', view.address)} is ${stateWords[view.state]}\n`;
  const indent = ' '.repeat(14);
  return (
    head +
    lines
      .map(([name, value]) => {
        const [first = '', ...rest] = wrapText(printable(value), Math.max(20, width - indent.length));
        return [`    ${name.padEnd(10)}${first}`, ...rest.map(line => indent + line)].join('\n');
      })
      .map(text => `${text}\n`)
      .join('')
  );
}

const stateWords: Readonly<Record<AddressView['state'], string>> = {
  'in-use': 'in use',
  'used-without-allocation': 'in use, and given out to nobody',
  reserved: 'reserved',
  free: 'free',
  'outside-pools': 'in no pool',
};

export function formatCheck(view: IpamCheckView, { colour, width }: IpamFormat): string {
  const paint = painter(colour);
  const { problems, hosts, blocks, pools, handles, endpoints } = view;
  const addresses = hosts.reduce((sum, host) => sum + host.addresses, 0);
  const looked = [
    formatCount(pools, 'pool'),
    formatCount(blocks, 'block'),
    formatCount(addresses, 'address', 'addresses'),
    formatCount(handles, 'handle'),
    formatCount(endpoints, 'endpoint'),
  ];
  const lines = wrapText(`Looked at ${looked.join(', ')}.`, width);
  const [most] = hosts;
  const median = hosts[Math.floor(hosts.length / 2)];
  if (most !== undefined && median !== undefined) {
    const words = `Addresses by host: most ${most.addresses} (${most.node}), median ${median.addresses}.`;
    lines.push(...wrapText(printable(words), width));
  }
  for (const [name, ofName] of grouped(problems)) {
    lines.push('', `${paint('yellow', name)} (${ofName.length}): ${ofName[0]?.cure ?? ''}`);
    for (const { message } of ofName)
      lines.push(...wrapText(printable(message), Math.max(20, width - 4)).map(line => `    ${line}`));
  }
  lines.push(
    '',
    problems.length === 0 ? 'No problems.' : `${formatCount(problems.length, 'problem')} found.`,
  );
  return lines.map(line => `${line}\n`).join('');
}

function grouped(problems: IpamCheckView['problems']) {
  const groups = new Map<string, IpamCheckView['problems'][number][]>();
  for (const problem of problems) {
    const group = groups.get(problem.name);
    if (group === undefined) groups.set(problem.name, [problem]);
    else group.push(problem);
  }
  return groups;
}

/** An address a line, for scripts; `wide` with its block. */
export function formatAssignment({ addresses }: IpamAssignment, wide: boolean): string {
  return addresses.map(({ address, block }) => (wide ? `${address} ${block}\n` : `${address}\n`)).join('');
}

export function formatReleases(results: readonly IpamReleaseResult[]): string {
  return results.map(result => `${printable(releaseWords(result))}\n`).join('');
}

function releaseWords({ asked, released, refused }: IpamReleaseResult): string {
  if (refused !== null) return `not released: ${refused}`;
  if (released.length > 0) return `${released.join(', ')} released`;
  return `${asked.address ?? `handle ${asked.handle ?? ''}`}: nothing is given out, so nothing was released`;
}
