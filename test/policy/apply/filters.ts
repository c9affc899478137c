/** Rendered filters made up for tests, and what a table holds once one is in force: the slow, obvious twin of plans. */
import type { AddressFamily } from '../../../core/ip-address.js';
import { hashRules } from '../../../policy/apply/rule-hash.js';
import type {
  RenderedChain,
  RenderedFilter,
  RenderedRule,
  RenderedSet,
  RenderedTable,
  TableName,
} from '../../../policy/rendered.js';
import type { Random } from '../../support/random.js';
import type { FakeFilterKernel } from './fake-filter-kernel.js';

export const rule = (text: string, ...comments: readonly string[]): RenderedRule => ({ text, comments });

export function chain(name: string, rules: readonly (string | RenderedRule)[], ...endpoints: string[]) {
  const list = rules.map(one => (typeof one === 'string' ? rule(one) : one));
  return { name, rules: list, endpoints } satisfies RenderedChain;
}

export function table(
  chains: readonly RenderedChain[],
  hooks: RenderedTable['hooks'] = [],
  name: TableName = 'filter',
  family: AddressFamily = 'ipv4',
): RenderedTable {
  return { family, table: name, chains: new Map(chains.map(one => [one.name, one])), hooks };
}

export function set(name: string, members: Iterable<string>, more: Partial<RenderedSet> = {}): RenderedSet {
  return { name, type: 'hash:net', family: 'ipv4', maxElements: 1 << 20, members: new Set(members), ...more };
}

export function filter(tables: readonly RenderedTable[], sets: readonly RenderedSet[] = []): RenderedFilter {
  return { tables, sets };
}

/** One workload with a policy by a set, dispatched from FORWARD, and a hook that comes last. */
export function smallFilter(port = 80, members: readonly string[] = ['10.0.0.1', '10.1.0.0/16']) {
  return filter(
    [
      table(
        [
          chain('mgy-FORWARD', ['-i cali+ -j mgy-from', '-o cali+ -j mgy-to']),
          chain('mgy-from', ['-i cali1 -g mgy-fw-1', rule('-j DROP', 'Unknown interface')]),
          chain('mgy-to', ['-o cali1 -g mgy-tw-1', rule('-j DROP', 'Unknown interface')]),
          chain('mgy-fw-1', ['-j ACCEPT'], 'WorkloadEndpoint/default/one'),
          chain('mgy-tw-1', ['-j mgy-pi-a', '-j DROP'], 'WorkloadEndpoint/default/one'),
          chain(
            'mgy-pi-a',
            [`-p tcp -m set --match-set mgy-a src -m tcp --dport ${port} -j ACCEPT`],
            'WorkloadEndpoint/default/one',
          ),
        ],
        [
          { chain: 'FORWARD', place: 'first', rules: [rule('-j mgy-FORWARD')] },
          { chain: 'FORWARD', place: 'last', rules: [rule('-m mark --mark 0x1/0x1 -j ACCEPT')] },
        ],
      ),
    ],
    [set('mgy-a', members)],
  );
}

/** Of some workloads and policies, which come and go; the same seed, the same filter. */
export function randomFilter(random: Random): RenderedFilter {
  const sets = pickSome(random, 5).map(i =>
    set(
      `mgy-s${i}`,
      pickSome(random, 12).map(n => `10.${i}.0.${n}`),
      {
        maxElements: random.below(4) === 0 ? 1000 : 1 << 20,
      },
    ),
  );
  const tables: RenderedTable[] = [];
  for (const family of ['ipv4', 'ipv6'] as const)
    for (const name of ['raw', 'filter'] as const)
      if (random.below(5) > 0) tables.push(randomTable(random, name, family, family === 'ipv4' ? sets : []));
  return filter(tables, sets);
}

function randomTable(
  random: Random,
  name: TableName,
  family: AddressFamily,
  sets: readonly RenderedSet[],
): RenderedTable {
  const policies = pickSome(random, 6).map(i => {
    const rules = pickSome(random, 4).map(n => {
      const match =
        sets.length > 0 && random.below(2) === 0 ? `-m set --match-set ${random.pick(sets).name} src ` : '';
      return rule(
        `-p ${n % 2 === 0 ? 'tcp' : 'udp'} ${match}--dport ${random.below(3)} -j ACCEPT`,
        `rule ${n}`,
      );
    });
    return chain(`mgy-p${i}`, rules);
  });
  const workloads = pickSome(random, 6).map(i => {
    const jumps = policies.filter(() => random.below(2) === 0).map(policy => `-j ${policy.name}`);
    return chain(`mgy-w${i}`, [...jumps, '-j DROP'], `WorkloadEndpoint/${i}`);
  });
  const top = chain(
    'mgy-top',
    workloads.map((workload, i) => `-i cali${i} -g ${workload.name}`),
  );
  const built = name === 'raw' ? 'PREROUTING' : 'INPUT';
  const hooks: RenderedTable['hooks'][number][] = [];
  if (random.below(6) > 0) hooks.push({ chain: built, place: 'first', rules: [rule('-j mgy-top')] });
  if (random.below(2) > 0)
    hooks.push({
      chain: built,
      place: 'last',
      rules: [rule('-m mark --mark 0x1/0x1 -j ACCEPT'), rule('-j MARK --set-xmark 0x2/0x2')],
    });
  return table([top, ...workloads, ...policies], hooks, name, family);
}

function pickSome(random: Random, bound: number): readonly number[] {
  return Array.from({ length: bound }, (_, i) => i).filter(() => random.below(2) === 0);
}

/** What others have, and what was left of ours: into a fake kernel. */
export function putJunk(kernel: FakeFilterKernel, random: Random): void {
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const name of ['raw', 'filter', 'nat'] as const) {
      const built = name === 'filter' ? 'INPUT' : 'PREROUTING';
      const lines = [
        ':OTHERS - [0:0]',
        '-A OTHERS -p tcp -j RETURN',
        ':mgy-old - [0:0]',
        ':mgy-older - [0:0]',
      ];
      lines.push('-A mgy-old -m comment --comment "mgy:01" -j mgy-older', '-A mgy-older -j DROP');
      if (random.below(2) === 0) lines.push(':mgy-top - [0:0]', '-A mgy-top -j RETURN');
      const candidates = [
        `-A ${built} -j OTHERS`,
        `-A ${built} -m comment --comment "not mgy:1234" -j DROP`,
        `-A ${built} -m comment --comment "mgy:feed" -j mgy-old`,
        `-A ${built} -p udp -j ACCEPT`,
        `-I ${built} -m comment --comment "mgy:beef" -j ACCEPT`,
        '-A OTHERS -j mgy-older',
      ];
      for (let n = random.below(9); n > 0; n--) lines.push(random.pick(candidates));
      if (random.below(3) > 0) kernel.putRules('nft', family, name, ...lines);
    }
  }
  if (random.below(2) === 0)
    kernel.putSets('create mgy-s0 hash:net family inet maxelem 1048576', 'add mgy-s0 10.9.9.9');
  if (random.below(2) === 0)
    kernel.putSets('create mgy-s1 hash:ip family inet maxelem 1048576', 'add mgy-s1 10.9.9.9');
  if (random.below(2) === 0) kernel.putSets('create mgy-new-0 hash:ip family inet maxelem 5');
  kernel.putSets('create others hash:ip family inet maxelem 65536', 'add others 192.0.2.1');
}

const isOurs = (line: string) => /comment "mgy:| :?(-A )?mgy-|^set mgy/.test(line);

/** What is not ours, in order. */
export function foreign(kernel: FakeFilterKernel): readonly string[] {
  return kernel.snapshot(line => !isOurs(line));
}

/** What the kernel holds of ours, where it should: by table, each chain's rules as they are printed. */
export function ours(kernel: FakeFilterKernel): readonly string[] {
  return kernel.snapshot(isOurs);
}

/** The same as it should be. */
export function oursOf({ tables, sets }: RenderedFilter): readonly string[] {
  const lines: string[] = [];
  for (const { family, table: name, chains, hooks } of tables) {
    const key = `nft ${family} ${name}`;
    const print = (at: string, text: string) => lines.push(`${key} -A ${at} ${printed(text)}`);
    for (const one of chains.values()) {
      lines.push(`${key} :${one.name}`);
      for (const text of hashRules(one.name, one.rules).lines) print(one.name, text);
    }
    for (const place of ['first', 'last'] as const)
      for (const hook of hooks.filter(one => one.place === place))
        for (const text of hashRules(`${hook.chain} ${place}`, hook.rules).lines) print(hook.chain, text);
  }
  for (const { name, type, family, maxElements, members } of sets)
    lines.push(
      `set ${name} ${type} family ${family === 'ipv4' ? 'inet' : 'inet6'} maxelem ${maxElements} ${[...members].sort().join(' ')}`,
    );
  return lines;
}

function printed(text: string): string {
  const protocol = / -p \S+/.exec(` ${text}`)?.[0];
  return protocol === undefined ? text : `${protocol.slice(1)} ${` ${text}`.replace(protocol, '').slice(1)}`;
}

/** Ours come first and last among the rules of their built-in chains. */
export function isFramed(rules: readonly string[], first: number, last: number): boolean {
  const flags = rules.map(text => text.includes('--comment "mgy:'));
  return flags.every((own, i) => own === (i < first || i >= rules.length - last));
}
