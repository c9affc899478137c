/** The packet filter of a host by its documents, with an applier and a clock that do as they are told. */

import test from 'ava';
import {
  type Applier,
  type ApplierTuning,
  HostFilter,
  type HostFilterTerms,
} from '../../../agent/filter/host-filter.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { AddressFamily, IpAddress } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import type { ConntrackEntry } from '../../../linux/netlink/conntrack.js';
import type { Exposure } from '../../../policy/apply/exposures.js';
import { RuleCounters } from '../../../policy/apply/rule-counters.js';
import type { RenderedFilter } from '../../../policy/rendered.js';
import type { InvalidDocument } from '../../../store/port.js';
import { allow, globalPolicy, workload } from '../../policy/calculate/documents.js';
import { HOST } from '../../policy/calculate/worlds.js';
import { settings } from '../../policy/host-policies.js';

const net = (text: string) => text as Prefix;
const ip = (text: string) => text as IpAddress;
const tuning: ApplierTuning = { backend: 'auto', refreshMs: 90_000 };
const terms: HostFilterTerms = { settings, tuning };
const flushingTerms: HostFilterTerms = { settings: { ...settings, flushOnDeny: true }, tuning };
const open = { profiles: ['projectcalico-default-allow'] };

/** As the kernel has it: its mark changes. */
type FakeEntry = { -readonly [K in keyof ConntrackEntry]: ConntrackEntry[K] };

function connection(source: string, destination: string): FakeEntry {
  const ways = { protocol: 6, sourcePort: 40_000, destinationPort: 80, icmp: undefined };
  return {
    family: 'ipv4',
    original: { ...ways, source: ip(source), destination: ip(destination) },
    reply: {
      ...{ ...ways, sourcePort: 80, destinationPort: 40_000 },
      ...{ source: ip(destination), destination: ip(source) },
    },
    mark: 0,
    name: { original: new Uint8Array(), id: undefined, zone: undefined },
  };
}

/** Comes to an end when it is told to, and with what. */
class FakeApplier {
  readonly filters: RenderedFilter[] = [];
  /** Of ours in the kernel. */
  chains = 0;
  unfiltered: ReadonlySet<AddressFamily> = new Set();
  exposures: readonly Pick<Exposure, 'untilMs'>[] = [];
  closed = false;
  refreshMs: number;
  #done: boolean | undefined;
  #waiters: ((inForce: boolean) => void)[] = [];

  readonly tuning: ApplierTuning;
  readonly changed: () => void;
  /** What it waits for before it does anything. */
  readonly after: Promise<void> | undefined;
  /** Comes to its end, once it was closed. */
  end: () => void = () => {};

  constructor(tuning: ApplierTuning, changed: () => void, after: Promise<void> | undefined) {
    this.tuning = tuning;
    this.changed = changed;
    this.after = after;
    this.refreshMs = tuning.refreshMs;
  }

  setRefresh(refreshMs: number): void {
    this.refreshMs = refreshMs;
  }

  setDesired(filter: RenderedFilter): void {
    this.filters.push(filter);
    this.#done = undefined;
  }

  applied(): Promise<boolean> {
    if (this.#done !== undefined) return Promise.resolve(this.#done);
    return new Promise(resolve => this.#waiters.push(resolve));
  }

  status() {
    const { chains, unfiltered, exposures } = this;
    const exposureCount = exposures.length;
    return { counts: { chains }, unfiltered, exposures, exposureCount } as ReturnType<Applier['status']>;
  }

  async counters() {
    return new RuleCounters(this.filters.at(-1));
  }

  close(): Promise<void> {
    this.closed = true;
    for (const resolve of this.#waiters.splice(0)) resolve(false);
    return new Promise(resolve => {
      this.end = resolve;
    });
  }

  async settle(inForce: boolean): Promise<void> {
    this.#done = inForce;
    for (const resolve of this.#waiters.splice(0)) resolve(inForce);
    await turn();
    this.changed();
    await turn();
  }

  /** Interfaces of workloads that the newest filter has chains for. */
  get interfaces(): string[] {
    const names = [...(this.filters.at(-1)?.tables ?? [])].flatMap(({ chains }) => [...chains.values()]);
    const endpoints = new Set(names.flatMap(chain => chain.endpoints));
    return [...endpoints].filter(key => key.startsWith('WorkloadEndpoint/')).sort();
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve));

class Host {
  readonly clock = new FakeClock();
  readonly appliers: FakeApplier[] = [];
  readonly routed = new Set<string>();
  readonly connections = new Set<FakeEntry>();
  /** Dumps of them, and bits that were asked for. */
  readonly dumps: number[] = [];
  markable = true;
  readonly logged: string[] = [];
  guardedChanges = 0;
  changes = 0;
  readonly filter = new HostFilter({
    nodeName: HOST,
    clock: this.clock,
    newApplier: (of, changed, after) => {
      const applier = new FakeApplier(of, changed, after);
      this.appliers.push(applier);
      return applier;
    },
    connections: {
      find: async (selects, marked = 0) => {
        this.dumps.push(marked);
        const all = [...this.connections].filter(({ mark }) => (mark & marked) === marked);
        return all.map(entry => ({ ...entry })).filter(selects);
      },
      mark: async (entries, bits, mask) => {
        if (!this.markable) return entries.map(entry => ({ entry, refusal: { errno: 95, text: '' } }));
        for (const { original } of entries) {
          const entry = [...this.connections].find(one => one.original === original);
          if (entry !== undefined) entry.mark = ((entry.mark & ~mask) | bits) >>> 0;
        }
        return [];
      },
      end: async entries => {
        const ended = [...this.connections].filter(one =>
          entries.some(({ original }) => original === one.original),
        );
        for (const entry of ended) this.connections.delete(entry);
        return ended.length;
      },
    },
    isRouted: address => this.routed.has(address),
    places: () => ({
      own: new Set([ip('192.0.2.1')]),
      towards: address => (address.startsWith('203.') ? undefined : 'eth0'),
    }),
    guardedChanged: () => this.guardedChanges++,
    changed: () => this.changes++,
    log: (level, message, detail) => this.logged.push(`${level} ${message}: ${detail}`),
  });

  get applier(): FakeApplier {
    return this.appliers.at(-1)!;
  }

  set(...resources: readonly Resource[]): void {
    for (const resource of resources) this.filter.onChange({ kind: 'changed', resource });
  }

  delete(resource: Resource): void {
    this.filter.onChange({ kind: 'deleted', id: resourceIdOf(resource) });
  }

  /** What may have a route of two workloads, `a` and `b`. */
  guarded(): string[] | undefined {
    const wanted = new Map([
      [net('10.0.0.1/32'), 'cali-a'],
      [net('10.0.0.2/32'), 'cali-b'],
    ]);
    const guarded = this.filter.guarded(wanted);
    return guarded && [...guarded.values()];
  }
}

const a = workload('a', { app: 'a' }, open);
const b = workload('b', { app: 'b' }, { ...open, ipNetworks: [net('10.0.0.2/32')] });

async function running(...resources: readonly Resource[]): Promise<Host> {
  const host = new Host();
  host.set(...resources);
  host.filter.flush(terms);
  await host.applier.settle(true);
  return host;
}

test('a workload may have its route once its chains are in force', async t => {
  const host = new Host();
  host.set(a);
  host.filter.flush(terms);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a']);
  t.is(host.guarded(), undefined);
  await host.applier.settle(true);
  t.deepEqual(host.guarded(), ['cali-a']);
  t.is(host.guardedChanges, 1);
});

test('a workload that takes the interface of another waits for its own chains', async t => {
  const host = await running(a);
  const other = workload('0', {}, { interfaceName: 'cali-a', ipNetworks: [net('10.0.0.9/32')] });
  const wanted = new Map([[net('10.0.0.9/32'), 'cali-a']]);
  host.delete(a);
  host.set(other);
  host.filter.flush(terms);
  t.deepEqual(host.filter.guarded(wanted), new Map());
  const changes = host.guardedChanges;
  await host.applier.settle(true);
  t.deepEqual(host.filter.guarded(wanted), wanted);
  t.is(host.guardedChanges, changes + 1);
});

test('of several workloads that have one interface the first by name has chains and a route', async t => {
  const later = workload('c', {}, { interfaceName: 'cali-a', ipNetworks: [net('10.0.0.3/32')] });
  const host = await running(later, a);
  const wanted = new Map([
    [net('10.0.0.1/32'), 'cali-a'],
    [net('10.0.0.3/32'), 'cali-a'],
  ]);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a']);
  t.deepEqual([...host.filter.guarded(wanted)!.keys()], ['10.0.0.1/32']);
  host.routed.add(net('10.0.0.1/32'));
  host.delete(a);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/c']);
  t.deepEqual([...host.filter.guarded(wanted)!.keys()], ['10.0.0.3/32']);
});

test('a workload has no route of a family that cannot be filtered, until it is', async t => {
  const both = [net('10.0.0.1/32'), net('fd00::1/128')];
  const host = await running(workload('a', {}, { ...open, ipNetworks: both }));
  const wanted = new Map([
    [net('10.0.0.1/32'), 'cali-a'],
    [net('fd00::1/128'), 'cali-a'],
  ]);
  const routes = () => [...host.filter.guarded(wanted)!.keys()];
  t.deepEqual(routes(), ['10.0.0.1/32', 'fd00::1/128']);
  const changes = host.guardedChanges;
  host.applier.unfiltered = new Set(['ipv6']);
  await host.applier.settle(true);
  t.deepEqual(routes(), ['10.0.0.1/32']);
  t.is(host.guardedChanges, changes + 1);
  await host.applier.settle(true);
  t.is(host.guardedChanges, changes + 1);
  host.applier.unfiltered = new Set();
  await host.applier.settle(true);
  t.deepEqual(routes(), ['10.0.0.1/32', 'fd00::1/128']);
  t.is(host.guardedChanges, changes + 2);
});

test('chains that come late, after a lock was held, still let a workload have its route', async t => {
  const host = new Host();
  host.set(a);
  host.filter.flush(terms);
  await host.applier.settle(false);
  t.deepEqual(host.guarded(), []);
  await host.applier.settle(false);
  t.deepEqual(host.guarded(), []);
  await host.applier.settle(true);
  t.deepEqual(host.guarded(), ['cali-a']);
  t.is(host.guardedChanges, 2);
});

test('what an agent before this one has left in the kernel guards its workloads while nothing can be written', async t => {
  const host = new Host();
  host.set(a);
  host.filter.flush(terms);
  host.applier.chains = 12;
  await host.applier.settle(false);
  t.deepEqual(host.guarded(), ['cali-a']);
  host.set(b);
  host.filter.flush(terms);
  await host.applier.settle(false);
  t.deepEqual(host.guarded(), ['cali-a']);
  await host.applier.settle(true);
  t.deepEqual(host.guarded(), ['cali-a', 'cali-b']);
});

test('a lock that is not let go does not hold back the routes of a host for more than three seconds', async t => {
  const host = new Host();
  host.set(a);
  host.filter.flush(terms);
  host.applier.chains = 12;
  host.clock.advance(2900);
  t.is(host.guarded(), undefined);
  host.clock.advance(200);
  t.deepEqual(host.guarded(), ['cali-a']);
  t.is(host.guardedChanges, 1);
});

test('a workload that has gone keeps its chains until its route has gone, then its connections are ended', async t => {
  const host = await running(a, b);
  const [own, others] = [connection('10.0.0.1', '192.0.2.9'), connection('10.0.0.2', '192.0.2.9')];
  host.connections.add(own).add(others);
  host.routed.add('10.0.0.1/32');
  host.delete(a);
  host.filter.flush(terms);
  for (let i = 0; i < 20; i++) host.clock.advance(50);
  await turn();
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a', 'WorkloadEndpoint/red/b']);
  t.deepEqual([...host.connections], [own, others]);
  host.routed.clear();
  host.clock.advance(50);
  await turn();
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/b']);
  t.deepEqual([...host.connections], [others]);
});

test('a route that stays keeps chains for ten seconds of its own workload and no longer', async t => {
  const host = await running(a, b);
  host.routed.add('10.0.0.1/32').add('10.0.0.2/32');
  host.delete(a);
  host.filter.flush(terms);
  host.clock.advance(9_000);
  host.delete(b);
  host.filter.flush(terms);
  host.clock.advance(1_050);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/b']);
  host.clock.advance(9_000);
  t.deepEqual(host.applier.interfaces, []);
});

test('an address that another workload has now is not waited for, and what was agreed with the first is ended once', async t => {
  const host = await running(a);
  const old = connection('10.0.0.1', '192.0.2.9');
  host.connections.add(old);
  host.routed.add('10.0.0.1/32');
  host.delete(a);
  host.set(workload('c', {}, open));
  host.filter.flush(terms);
  await turn();
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/c']);
  t.is(host.connections.size, 0);
  host.connections.add(old);
  host.clock.advance(20_000);
  await turn();
  t.is(host.connections.size, 1);
});

test('a workload that gives up an address loses the connections of it', async t => {
  const host = await running(a);
  const [old, kept] = [connection('192.0.2.9', '10.0.0.1'), connection('192.0.2.9', '10.0.0.3')];
  host.connections.add(old).add(kept);
  host.set(workload('a', { app: 'a' }, { ...open, ipNetworks: [net('10.0.0.3/32')] }));
  host.filter.flush(terms);
  await turn();
  t.deepEqual([...host.connections], [kept]);
  t.deepEqual(host.logged, ['info connections ended: 1 of 10.0.0.1']);
});

test('a workload that comes back while it departs is as if it had never gone', async t => {
  const host = await running(a);
  host.connections.add(connection('10.0.0.1', '192.0.2.9'));
  host.routed.add('10.0.0.1/32');
  host.delete(a);
  host.filter.flush(terms);
  host.clock.advance(100);
  host.set(a);
  host.filter.flush(terms);
  host.routed.clear();
  host.clock.advance(20_000);
  await host.applier.settle(true);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a']);
  t.is(host.connections.size, 1);
  t.deepEqual(host.guarded(), ['cali-a']);
});

const denial = globalPolicy('deny', { selector: "app == 'a'", types: ['Ingress', 'Egress'] });
const flushing = {
  ...denial,
  metadata: { ...denial.metadata, annotations: { 'margay.io/flushOnDeny': 'true' } },
};

const unasking = globalPolicy('unasking', { selector: "app == 'b'", types: ['Ingress'] });

/** Of connections that are cut, in the mask of the settings. */
const CUT = 0x200000;

for (const [name, policy, with_, ended] of [
  ['a policy that does not ask for it leaves live connections alone', denial, terms, false],
  [
    'a policy that asks for it cuts the connections that are denied now, and no others',
    flushing,
    terms,
    true,
  ],
  [
    'where the cluster asks for it any policy cuts the connections that are denied now',
    denial,
    flushingTerms,
    true,
  ],
] as const) {
  test(name, async t => {
    const host = await running(a, b);
    const denied = connection('192.0.2.9', '10.0.0.1');
    const allowed = connection('192.0.2.9', '10.0.0.2');
    host.connections.add(denied).add(allowed);
    const marks = () => [denied.mark, allowed.mark];
    host.set(policy);
    host.filter.flush(with_);
    await turn();
    t.deepEqual(marks(), [0, 0], 'not before it is in force');
    await host.applier.settle(false);
    t.deepEqual(marks(), [0, 0], 'nor where it could not be had');
    await host.applier.settle(true);
    t.deepEqual(marks(), ended ? [CUT, 0] : [0, 0]);
    denied.mark = 0;
    await host.applier.settle(true);
    t.is(denied.mark, 0, 'once alone');
    t.is(host.connections.size, 2);
  });
}

test('what began while others had taken rules away, and is denied, is cut once they are there again', async t => {
  const host = await running(a, b, flushing);
  const denied = connection('192.0.2.9', '10.0.0.1');
  host.connections.add(denied);
  host.applier.exposures = [{ untilMs: undefined }];
  await host.applier.settle(true);
  t.is(denied.mark, 0, 'it may begin anew as long as rules are away');
  host.applier.exposures = [{ untilMs: 10 }];
  await host.applier.settle(true);
  t.is(denied.mark, CUT);
  denied.mark = 0;
  await host.applier.settle(true);
  t.is(denied.mark, 0, 'once alone');
});

test('connections that are cut go on as soon as policy allows them, and others stay cut', async t => {
  const host = await running(a, b, flushing);
  const [one, other] = [connection('192.0.2.9', '10.0.0.1'), connection('10.0.0.2', '10.0.0.1')];
  const third = connection('192.0.2.9', '10.0.0.2');
  host.connections.add(one).add(other).add(third);
  const marks = () => [one.mark, other.mark];
  const flush = async (with_: HostFilterTerms = terms) => {
    host.filter.flush(with_);
    await host.applier.settle(true);
  };
  one.mark = 1;
  host.set(unasking);
  await flush();
  t.deepEqual(marks(), [CUT + 1, CUT], 'bits of others stay');
  t.is(third.mark, 0, 'a policy that does not ask for it denies this one');
  host.set(
    globalPolicy('allow', {
      selector: "app == 'a'",
      types: ['Ingress'],
      ingress: [allow({ nets: [net('10.0.0.2/32')] })],
      order: 1,
    }),
  );
  await flush();
  t.deepEqual(marks(), [CUT + 1, 0]);
  host.set(denial);
  await flush();
  t.deepEqual(marks(), [1, 0], 'nobody asks for it any more');
  await flush(flushingTerms);
  t.deepEqual(marks(), [CUT + 1, 0]);
  t.is(third.mark, CUT);
  await flush({ ...terms, settings: { ...settings, markMask: 0xff000000 } });
  t.deepEqual(marks(), [1, 0], 'the mask has changed with the setting');
});

test('entries are looked at once after the start, and again only where connections are cut or were', async t => {
  const host = await running(a);
  t.deepEqual(host.dumps, [CUT], 'none but marked ones');
  host.set(b);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.is(host.dumps.length, 1);
  const left = await (async () => {
    const next = new Host();
    const cut = connection('192.0.2.9', '10.0.0.1');
    cut.mark = CUT;
    next.connections.add(cut);
    next.set(a, denial);
    next.filter.flush(terms);
    await next.applier.settle(true);
    return cut;
  })();
  t.is(left.mark, 0, 'an agent before this one has left it');
});

test('an agent that starts leaves connections cut that are denied, also while it is not known where they come from', async t => {
  const host = new Host();
  const [denied, unknown] = [connection('192.0.2.9', '10.0.0.1'), connection('203.0.113.1', '10.0.0.1')];
  host.connections.add(denied).add(unknown);
  denied.mark = CUT;
  unknown.mark = CUT;
  host.set(a, flushing);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.deepEqual([denied.mark, unknown.mark], [CUT, CUT]);
});

test('a workload that departs keeps its connections cut until they end with it', async t => {
  const host = await running(a, b, flushing);
  const denied = connection('192.0.2.9', '10.0.0.1');
  host.connections.add(denied);
  host.routed.add('10.0.0.1/32');
  host.set(unasking);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.is(denied.mark, CUT);
  host.delete(a);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.is(denied.mark, CUT);
  host.routed.clear();
  host.clock.advance(50);
  await host.applier.settle(true);
  t.is(host.connections.size, 0);
});

test('what cannot be marked is ended, and said', async t => {
  const host = await running(a);
  host.connections.add(connection('192.0.2.9', '10.0.0.1'));
  host.markable = false;
  host.set(flushing);
  host.filter.flush(terms);
  await host.applier.settle(true);
  t.is(host.connections.size, 0);
  t.deepEqual(
    host.logged.map(line => line.split(':')[0]),
    ['warn connections could not be cut', 'info connections ended'],
  );
});

test('how the kernel is written to changes while it runs: the same filter by another applier', async t => {
  const host = await running(a);
  host.filter.flush({ ...terms, tuning: { ...tuning } });
  t.is(host.appliers.length, 1);
  t.is(host.applier.filters.length, 1);
  host.filter.flush({ ...terms, tuning: { backend: 'legacy', refreshMs: 10_000 } });
  t.true(host.appliers[0]!.closed);
  t.deepEqual(host.applier.tuning, { backend: 'legacy', refreshMs: 10_000 });
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a']);
  t.deepEqual(host.guarded(), ['cali-a']);
  await host.applier.settle(true);
  host.filter.close();
  t.true(host.applier.closed);
});

test('how often the kernel is looked at is told to the applier that there is', async t => {
  const host = await running(a);
  host.filter.flush({ ...terms, tuning: { ...tuning, refreshMs: 10_000 } });
  t.is(host.appliers.length, 1);
  t.is(host.applier.refreshMs, 10_000);
  t.is(host.applier.filters.length, 1);
});

test('an applier begins after the one before it has come to its end; meanwhile workloads stay guarded', async t => {
  const host = await running(a);
  const [old] = host.appliers;
  // What it is about to write when it is closed.
  host.set(b);
  host.filter.flush(terms);
  host.filter.flush({ ...terms, tuning: { ...tuning, backend: 'legacy' } });
  t.is(host.appliers.length, 2);
  t.deepEqual(host.applier.interfaces, ['WorkloadEndpoint/red/a', 'WorkloadEndpoint/red/b']);
  let ended = false;
  void host.applier.after!.then(() => {
    ended = true;
  });
  await turn();
  t.false(ended);
  t.deepEqual(host.guarded(), ['cali-a']);
  old!.end();
  await turn();
  t.true(ended);
  await host.applier.settle(true);
  t.deepEqual(host.guarded(), ['cali-a', 'cali-b']);
});

test('connections that a change denies are cut, although the applier was another before it was in force', async t => {
  const host = await running(a, b);
  const denied = connection('192.0.2.9', '10.0.0.1');
  host.connections.add(denied);
  host.set(denial);
  host.filter.flush(flushingTerms);
  await turn();
  host.filter.flush({ ...flushingTerms, tuning: { ...tuning, backend: 'legacy' } });
  await turn();
  t.is(denied.mark, 0);
  await host.applier.settle(true);
  t.is(denied.mark, CUT);
});

test('an applier that is replaced before anything is known leaves its word of what guards workloads', async t => {
  const host = new Host();
  host.set(a);
  host.filter.flush(terms);
  host.applier.chains = 7;
  host.filter.flush({ ...terms, tuning: { ...tuning, backend: 'legacy' } });
  await turn();
  t.is(host.guarded(), undefined, 'it is not judged by an applier that was closed');
  host.clock.advance(3000);
  await turn();
  t.deepEqual(host.guarded(), ['cali-a']);
});

test('nothing is written for a change that changes nothing, and everything for settings', async t => {
  const host = await running(a);
  host.set(a);
  host.filter.flush(terms);
  t.is(host.applier.filters.length, 1);
  host.filter.flush({ ...terms, settings: { ...settings, denied: 'reject' } });
  t.is(host.applier.filters.length, 2);
});

test('what stood in for an invalid policy goes with it, unless nobody knows what a document is', t => {
  const host = new Host();
  const id = { kind: 'NetworkPolicy', namespace: 'red', name: 'slip' } as const;
  const slip = { location: 'a.yaml', id, problems: [], written: { spec: { selector: 'a =' } } };
  const unknown = { location: 'a.yaml', id: undefined, problems: [] };
  const standsIn = (documents: readonly InvalidDocument[]) => {
    host.filter.invalid(documents);
    host.filter.flush(terms);
    return host.filter.policy.policies.has('NetworkPolicy/red/slip');
  };
  host.set(a);
  t.true(standsIn([slip]));
  t.true(standsIn([unknown]));
  t.false(standsIn([]));
  t.true(standsIn([slip]));
  t.false(standsIn([]));
});
