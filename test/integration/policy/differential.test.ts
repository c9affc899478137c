/**
 * The kernel's verdict against the reference evaluator's: generated policies, rendered and applied, and packets that really flow. A tenth of
 * what there is to do by default; `MARGAY_POLICY_SETS=300` does all of it. `MARGAY_POLICY_SEED` repeats a run.
 */
import test, { type ExecutionContext } from 'ava';
import { type AddressFamily, addressFamily, type IpAddress } from '../../../core/ip-address.js';
import type { Implementation } from '../../../linux/iptables-choice.js';
import { evaluate } from '../../../policy/evaluate/evaluate.js';
import type { End, Situation } from '../../../policy/evaluate/situation.js';
import { stepInWords } from '../../../policy/evaluate/trace.js';
import type { Packet } from '../../../policy/model.js';
import { renderFilter } from '../../../policy/render/render.js';
import { Coverage } from '../../policy/render/comparison.js';
import { type GeneratedHost, Generator } from '../../policy/render/generated-policies.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';
import { Random } from '../../support/random.js';
import { startApplier } from './real-applier.js';
import { SteeredLab } from './steered-lab.js';

const SETS = Number(process.env.MARGAY_POLICY_SETS ?? 30);
const PACKETS = 30;
const seed = Number(process.env.MARGAY_POLICY_SEED ?? Date.now() % 4294967296);

/** Those that the generator names, as far as there are ways to tell apart. */
const INTERFACES = ['cali1', 'cali12', 'cali2', 'caliab', 'eth0', 'eth1', 'eth2'];
const EVERYBODY = [
  ...['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.1.1', '10.2.0.1', '192.168.0.1', '192.168.0.2'],
  ...['fd00:1::1', 'fd00:1::2', 'fd00:1::3', 'fd00:1:0:1::1', 'fd00:2::1', 'fd00:9::2'],
] as readonly string[] as readonly IpAddress[];

const nameOf = (end: End): string =>
  end.kind === 'process' ? 'host' : end.kind === 'interface' ? end.name : '';

/** A host whose interfaces are all there. */
function hostOf(generator: Generator): GeneratedHost {
  for (;;) {
    const host = generator.host();
    if (
      [...host.policy.workloads.values()].every(({ interfaceName }) => INTERFACES.includes(interfaceName))
    ) {
      return host;
    }
  }
}

/** The first packet of a connection, such as the kernel takes from anybody and hands on. */
function situationOf(generator: Generator, random: Random, host: GeneratedHost): Situation {
  for (;;) {
    const situation = generator.situation(host);
    const { from, to } = situation;
    const packet = asNew(situation.packet, random);
    const known = [from, to].every(end => end.kind === 'process' || INTERFACES.includes(nameOf(end)));
    // What is rejected is answered where it came from.
    if (!known || nameOf(from) === nameOf(to)) continue;
    if ([packet.source, packet.destination].some(address => address.startsWith('fe80:'))) continue;
    return { packet, from, to, connection: 'new' };
  }
}

/** Connection tracking knows requests alone as the first packets of a connection. */
function asNew(packet: Packet, random: Random): Packet {
  if (packet.icmp === undefined) return packet;
  const type = packet.protocol === 58 ? 128 : random.pick([8, 8, 13]);
  return { ...packet, icmp: { type, code: packet.icmp.code } };
}

/** Packets that rules of ours have dropped or rejected so far. */
function droppedSoFar(host: NetworkNamespace, backend: Implementation, family: AddressFamily): number {
  const tool = family === 'ipv4' ? 'iptables' : 'ip6tables';
  let packets = 0;
  for (const line of host.run(`${tool}-${backend}-save`, '-c').split('\n')) {
    const [, count] = /^\[(\d+):\d+\] -A mgy-\S+ .*-j (?:DROP|REJECT)\b/.exec(line) ?? [];
    packets += Number(count ?? 0);
  }
  return packets;
}

async function differ(t: ExecutionContext, backend: Implementation, random: Random): Promise<Coverage> {
  const steered = new SteeredLab(t, INTERFACES, EVERYBODY);
  const { lab } = steered;
  const applier = startApplier(t, lab.host, { backend, refreshMs: 600_000 });
  const generator = new Generator(random);
  const coverage = new Coverage();
  for (let set = 0; set < SETS; set++) {
    const host = hostOf(generator);
    applier.setDesired(renderFilter(host.policy, host.settings));
    if (!(await applier.applied()) || applier.status().problems.length > 0) {
      t.fail(`set ${set}, seed ${seed}: ${JSON.stringify(applier.status().problems)}`);
      return coverage;
    }
    const situations = Array.from({ length: PACKETS }, () => situationOf(generator, random, host));
    const passed: boolean[] = [];
    const counted = new Map<AddressFamily, number>();
    // One at a time in connection tracking: an answer would be let through whatever the rules are.
    for (const each of situations) {
      await lab.forgetConnections();
      const family = addressFamily(each.packet.source);
      const before = counted.get(family) ?? droppedSoFar(lab.host, backend, family);
      const packet = steered.packet(each.packet, nameOf(each.from), nameOf(each.to));
      const arrived = (await lab.pass([packet], 0))[0]!.includes(nameOf(each.to));
      passed.push(arrived);
      // What a host says of a packet that it rejects may be dropped as well.
      const after = droppedSoFar(lab.host, backend, family);
      counted.set(family, after);
      const dropped = after - before;
      t.true(
        arrived || dropped > 0,
        `lost, and not by a rule: set ${set}, seed ${seed}, ${JSON.stringify(each)}`,
      );
    }
    for (const [i, situation] of situations.entries()) {
      const judgement = evaluate(host.policy, host.settings, situation);
      coverage.count(host.policy, judgement, {
        in: nameOf(situation.from),
        out: nameOf(situation.to),
      } as never);
      if (passed[i] === (judgement.verdict === 'allow')) continue;
      t.fail(
        `set ${set}, packet ${i}, seed ${seed}: the kernel ${passed[i] ? 'let through' : 'dropped'} ${JSON.stringify(situation)}\n` +
          judgement.trace.map(stepInWords).join('\n'),
      );
      return coverage;
    }
  }
  return coverage;
}

for (const backend of ['nft', 'legacy'] as const satisfies readonly Implementation[]) {
  test.serial(`the kernel decides as the reference does, by iptables-${backend}`, async t => {
    t.timeout(60_000 + SETS * 10_000);
    t.log(`${SETS} policy sets of ${PACKETS} packets, seed ${seed}`);
    const coverage = await differ(t, backend, new Random(seed));
    t.log(`\n${coverage.table()}`);
    t.is(coverage.packets, SETS * PACKETS);
    for (const verdict of ['allow', 'deny']) {
      t.true(coverage.of(`verdict ${verdict}`) >= 0.3 * coverage.packets, verdict);
    }
  });
}
