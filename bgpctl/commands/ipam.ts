/** `bgpctl ipam`: how much of the pools is in use, whether the records fit together, and addresses had and given back by hand. */
import { readFile } from 'node:fs/promises';
import type { IpamAssignRequest, IpamCheckView, IpamReleaseItem } from '../../agent/control/ipam-types.js';
import {
  type Arguments,
  type Command,
  type Context,
  exitCode,
  outputFormat,
  outputOption,
  text,
  UsageError,
} from '../command.js';
import {
  formatAddress,
  formatAddresses,
  formatAssignment,
  formatCheck,
  formatIpam,
  formatReleases,
} from '../format/ipam.js';
import { checkResult, show } from '../show.js';

const words = ['show', 'check', 'assign', 'release'] as const;
type Word = (typeof words)[number];

/** Which options are for which word. */
const optionsOf: Readonly<Record<Word, readonly string[]>> = {
  show: ['blocks', 'addresses', 'node', 'ip'],
  check: [],
  assign: ['handle', 'ipv4', 'ipv6', 'ip', 'node', 'pool', 'attribute'],
  release: ['ip', 'handle', 'from-report'],
};

export const ipamCommand: Command = {
  name: 'ipam',
  summary: 'addresses: what is in use, what does not fit together, one had or given back by hand',
  positionals: [{ name: 'what', describe: 'what is done', required: false, choices: words }],
  options: {
    ...outputOption,
    blocks: { type: 'boolean', describe: 'show: every block of each pool, and whose it is' },
    addresses: { type: 'boolean', describe: 'show: every address that is given out, and what for' },
    ip: {
      type: 'string',
      placeholder: 'ADDRESS',
      describe: 'show: who has it; assign: this one and no other; release: this one',
    },
    handle: {
      type: 'string',
      placeholder: 'HANDLE',
      describe: 'assign: who it is for, the same answer for the same one; release: all that it has',
    },
    ipv4: { type: 'boolean', describe: 'assign: an IPv4 address (where neither is given)' },
    ipv6: { type: 'boolean', describe: 'assign: an IPv6 address; with --ipv4 both, or none' },
    node: {
      type: 'string',
      placeholder: 'NODE',
      describe: "show: the addresses of this one alone; assign: where it is used, the agent's by default",
    },
    pool: {
      type: 'array',
      placeholder: 'POOL',
      describe: 'assign: out of this pool, by name or CIDR; repeatable',
    },
    attribute: {
      type: 'array',
      placeholder: 'KEY=VALUE',
      describe:
        'assign: kept with it, e.g. namespace=shop; by default kept-by=bgpctl, with which it is never collected',
    },
    'from-report': {
      type: 'string',
      placeholder: 'FILE',
      describe: 'release: what "ipam check -o json" found to be left over',
    },
  },
  examples: [
    ['bgpctl ipam show --blocks', 'pools and blocks: in use, reserved, free, and whose they are'],
    ['bgpctl ipam show --ip 10.244.0.5', 'who has it, since when, and what for'],
    ['bgpctl ipam show --node host-b', 'every address that is given out on it, and what for'],
    ['bgpctl ipam check', 'exit 1 if something does not fit together'],
    ['bgpctl ipam assign --handle my-vm --ipv4 --ipv6 -o json', 'one address of each family, or none'],
    ['bgpctl ipam release --handle my-vm', ''],
  ],
  async run(given, context) {
    const what = text(given, 'what') as Word | undefined;
    if (what === undefined) {
      throw new UsageError(`ipam what? One of ${words.map(word => `"bgpctl ipam ${word}"`).join(', ')}`);
    }
    refuseOthers(what, given);
    switch (what) {
      case 'show':
        return await showUsage(given, context);
      case 'check':
        return await check(given, context);
      case 'assign':
        return await assign(given, context);
      case 'release':
        return await release(given, context);
    }
  },
};

function refuseOthers(what: Word, given: Arguments): void {
  const all = new Set(Object.values(optionsOf).flat());
  const other = [...all].find(name => given[name] !== undefined && !optionsOf[what].includes(name));
  if (other === undefined) return;
  const whose = words.filter(word => optionsOf[word].includes(other)).map(word => `ipam ${word}`);
  throw new UsageError(`--${other} is not for "ipam ${what}" but for ${whose.join(' and ')}`);
}

async function showUsage(given: Arguments, context: Context): Promise<number> {
  const { client, columns: width, colour } = context;
  const address = text(given, 'ip');
  const node = text(given, 'node');
  const format = outputFormat(given);
  const kinds = [
    given.blocks === true,
    given.addresses === true || node !== undefined,
    address !== undefined,
  ];
  if (kinds.filter(Boolean).length > 1)
    throw new UsageError('ipam show: one of --blocks, --addresses (or --node) and --ip at a time');
  if (given.addresses === true || node !== undefined) {
    const once = async () => {
      const { addresses } = await client.ipamAddresses();
      return node === undefined ? addresses : addresses.filter(({ allocation }) => allocation?.node === node);
    };
    await show(context, format, { once, watch: undefined }, (view, wide) =>
      formatAddresses(view, context.now(), { width: wide ? Number.POSITIVE_INFINITY : width, colour }),
    );
    return exitCode.fine;
  }
  if (address !== undefined) {
    const once = () => client.ipamAddress(address);
    await show(context, format, { once, watch: undefined }, view =>
      formatAddress(view, context.now(), { width, colour }),
    );
    return exitCode.fine;
  }
  await show(context, format, { once: () => client.ipam(), watch: undefined }, (view, wide) =>
    formatIpam(view, given.blocks === true, { width: wide ? Number.POSITIVE_INFINITY : width, colour }),
  );
  return exitCode.fine;
}

async function check(given: Arguments, context: Context): Promise<number> {
  const { client, columns: width, colour } = context;
  const view = await show(
    context,
    outputFormat(given),
    { once: () => client.ipamCheck(), watch: undefined },
    found => formatCheck(found, { width, colour }),
  );
  return checkResult(view === undefined || view.problems.length > 0);
}

async function assign(given: Arguments, context: Context): Promise<number> {
  const request = assignRequest(given);
  await show(
    context,
    outputFormat(given),
    { once: () => context.client.ipamAssign(request), watch: undefined },
    formatAssignment,
  );
  return exitCode.fine;
}

function assignRequest(given: Arguments): IpamAssignRequest {
  const handle = text(given, 'handle');
  if (handle === undefined)
    throw new UsageError('assign to whom? Give --handle: any text that is not in use');
  const [address, node] = [text(given, 'ip'), text(given, 'node')];
  const families = {
    ...(given.ipv4 === true ? { ipv4: 1 } : {}),
    ...(given.ipv6 === true ? { ipv6: 1 } : {}),
  };
  if (address !== undefined && Object.keys(families).length > 0)
    throw new UsageError('--ip names one address: leave --ipv4 and --ipv6 out');
  const pools = list(given.pool);
  return {
    handle,
    ...families,
    ...(address === undefined ? {} : { address }),
    ...(node === undefined ? {} : { node }),
    ...(pools.length === 0 ? {} : { pools }),
    attributes: attributesOf(list(given.attribute)),
  };
}

function attributesOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  if (pairs.length === 0) return { 'kept-by': 'bgpctl' };
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--attribute ${pair}: KEY=VALUE is wanted, e.g. namespace=shop`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function release(given: Arguments, context: Context): Promise<number> {
  const [address, handle, report] = [text(given, 'ip'), text(given, 'handle'), text(given, 'from-report')];
  if (report !== undefined && (address !== undefined || handle !== undefined))
    throw new UsageError('--from-report names what is released: leave --ip and --handle out');
  if (report === undefined && address === undefined && handle === undefined)
    throw new UsageError('release what? Give --ip, --handle or --from-report');
  const items = report === undefined ? [itemOf(address, handle)] : await leftOver(report);
  if (items.length === 0) {
    await context.out('the report has nothing that is left over\n');
    return exitCode.fine;
  }
  const { results } = await context.client.ipamRelease(items);
  await show(context, outputFormat(given), { once: async () => results, watch: undefined }, found =>
    formatReleases(found),
  );
  return checkResult(results.some(({ refused }) => refused !== null));
}

function itemOf(address: string | undefined, handle: string | undefined): IpamReleaseItem {
  return {
    ...(handle === undefined ? {} : { handle }),
    ...(address === undefined ? {} : { address }),
  };
}

/** As they were found: what was given out since then is another allocation. */
async function leftOver(path: string): Promise<readonly IpamReleaseItem[]> {
  const problems = await readReport(path);
  return problems.flatMap(({ name, address, handle, sequence }) => {
    const isLeft = name === 'leaked-address' || name === 'address-of-gone-host';
    if (!isLeft || address === undefined || handle === undefined || sequence === undefined) return [];
    return [{ address, handle, sequence }];
  });
}

async function readReport(path: string): Promise<IpamCheckView['problems']> {
  let found: Partial<IpamCheckView> | null;
  try {
    found = JSON.parse(await readFile(path, 'utf8')) as Partial<IpamCheckView> | null;
  } catch (error) {
    throw new UsageError(`--from-report ${path}: ${(error as Error).message}`);
  }
  const problems: unknown = found?.problems;
  if (Array.isArray(problems) && problems.every(one => typeof one === 'object' && one !== null))
    return problems as IpamCheckView['problems'];
  throw new UsageError(`--from-report ${path}: is not what "bgpctl ipam check -o json" writes`);
}

function list(value: Arguments[string]): readonly string[] {
  return Array.isArray(value) ? value : [];
}
