/** Rules of every form that rendering has are taken by the kernel's tools: both variants of iptables, both families, and ipset. */
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import type { AddressFamily } from '../../../core/ip-address.js';
import { renderFilter } from '../../../policy/render/render.js';
import type { RenderedFilter, RenderedSet, RenderedTable } from '../../../policy/rendered.js';
import { net } from '../../policy/host-policies.js';
import { Generator } from '../../policy/render/generated-policies.js';
import { makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { Random } from '../../support/random.js';
import { skip } from '../../support/skip.js';
import { filterText, hookLines, ruleLine, setsText } from './filter-text.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1_000_000);
const HOSTS = 120;
const families = ['ipv4', 'ipv6'] as const;
const number = { ipv4: '', ipv6: '6' } as const;

for (const variant of ['nft', 'legacy'] as const) {
  test.serial(`iptables-${variant} takes every form of rule, and whole hosts (MARGAY_SEED=${seed})`, t => {
    const namespace = makeNamespace(t);
    const tools = ['ipset', ...families.map(family => restore(family, variant))];
    const missing = tools.find(tool => run(namespace, tool, ['--version']).status !== 0);
    if (missing !== undefined) return skip(t, `${missing} is not here`);
    const filters = generated();
    load(t, namespace, 'ipset', ['restore'], setsText(setsOf(filters).values()));
    let forms = 0;
    for (const family of families) {
      for (const table of ['raw', 'filter', 'nat', 'mangle'] as const) {
        const one = oneOfEachForm(tablesOf(filters, family, table));
        forms += one.forms;
        load(t, namespace, restore(family, variant), ['--noflush', '--test'], one.text);
        load(t, namespace, restore(family, variant), ['--noflush'], one.text);
      }
      for (const filter of filters.slice(0, 3))
        for (const table of filter.tables.filter(one => one.family === family))
          load(t, namespace, restore(family, variant), ['--noflush'], filterText(table));
    }
    t.log(`${forms} forms of rules`);
    t.true(forms > 200);
  });
}

test('loading can fail: a rule that the tools do not know is refused', t => {
  const namespace = makeNamespace(t);
  const text = '*filter\n-A INPUT -m multiport --dports 80 -j DROP\nCOMMIT\n';
  t.not(run(namespace, restore('ipv4', 'nft'), ['--noflush', '--test'], text).status, 0);
});

// ---------------------------------------------------------------- what is loaded

function generated(): readonly RenderedFilter[] {
  const random = new Random(seed);
  const generator = new Generator(random);
  const ports = [undefined, { min: 1000, max: 2000 }];
  const addresses = [undefined, '10.0.0.9', 'fd00::9'];
  return Array.from({ length: HOSTS }, () => {
    const { policy, settings } = generator.host();
    const pools = ['10.1.0.0/16', 'fd00:1::/48'].map(cidr => ({ cidr: net(cidr), masquerade: true }));
    const range = random.pick(ports);
    const address = random.pick(addresses) as (typeof settings)['nat']['address'];
    const nat = {
      pools,
      exclusions: [],
      ...(range === undefined ? {} : { ports: range }),
      ...(address === undefined ? {} : { address }),
      ...(random.below(2) === 0 ? {} : { interfaces: 'eth+' }),
    };
    return renderFilter(policy, { ...settings, nat });
  });
}

/** By name: hosts that need the same have the same, whatever is in them. */
function setsOf(filters: readonly RenderedFilter[]): ReadonlyMap<string, RenderedSet> {
  return new Map(filters.flatMap(({ sets }) => sets.map(set => [set.name, set] as const)));
}

function tablesOf(filters: readonly RenderedFilter[], family: AddressFamily, table: RenderedTable['table']) {
  return filters.flatMap(({ tables }) => tables.filter(one => one.family === family && one.table === table));
}

/** The first rule of each form: a form is a rule without its values. It stands in the chain that it comes from, hooked as that is. */
function oneOfEachForm(tables: readonly RenderedTable[]) {
  const seen = new Set<string>();
  const chains = new Map<string, string[]>();
  for (const { chains: own } of tables) {
    for (const { name, rules } of own.values()) {
      const lines = chains.get(name) ?? [];
      chains.set(name, lines);
      for (const { text, comments } of rules) {
        const form = text
          .replace(/(mgy\S+|0x\w+|[\d.]+\/\d+|[\da-f:]+\/\d+|\d+)/g, 'X')
          .replace(/(X[,:])+X/g, 'X');
        if (seen.has(form)) continue;
        seen.add(form);
        // Jumps among chains of different hosts could go in a circle.
        const target = text.replace(/-[jg] mgy-\S+/, found => `${found.slice(0, 2)} mgy-end`);
        lines.push(ruleLine(name, { text: target, comments }));
      }
    }
  }
  const heads = [...chains.keys(), 'mgy-end'].map(name => `:${name} - [0:0]\n`);
  const text = `*${tables[0]!.table}\n${heads.join('')}${[...chains.values()].flat().join('')}${hookLines(tables)}COMMIT\n`;
  return { forms: seen.size, text };
}

// ---------------------------------------------------------------- the tools

function restore(family: AddressFamily, variant: 'nft' | 'legacy'): string {
  return `ip${number[family]}tables-${variant}-restore`;
}

function run(namespace: NetworkNamespace, command: string, args: readonly string[], input = '') {
  return spawnSync('ip', ['netns', 'exec', namespace.name, command, ...args], { encoding: 'utf8', input });
}

function load(
  t: ExecutionContext,
  namespace: NetworkNamespace,
  command: string,
  args: readonly string[],
  text: string,
): void {
  const { status, stderr } = run(namespace, command, args, text);
  const line = Number(/line:? (\d+)/i.exec(stderr)?.[1]);
  t.is(status, 0, `${command} ${args.join(' ')}: ${stderr}${text.split('\n')[line - 1] ?? ''}`);
}
