/** The recipes of docs/policy-recipes with packets that really flow: each does what is expected of it, on both kinds of iptables. */
import test from 'ava';
import { readScenarios } from '../../../bgpctl/policy-files.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { Implementation } from '../../../linux/iptables-choice.js';
import { check } from '../../../policy/journey/expectations.js';
import { World } from '../../../policy/journey/world.js';
import type { Packet } from '../../../policy/model.js';
import { renderFilter } from '../../../policy/render/render.js';
import { type LabInterface, PacketLab } from './packet-lab.js';
import { startApplier } from './real-applier.js';

const FILE = new URL('../../../../docs/policy-recipes/expectations.yaml', import.meta.url).pathname;
const HOST = 'host-a';
const UPLINK = 'eth0';

interface Expected {
  readonly words: string;
  readonly packet: Packet;
  readonly allowed: boolean;
}

function interfacesOf(world: World, packets: readonly Packet[]): LabInterface[] {
  const { policy } = world.host(HOST);
  const names = new Map([...policy.workloads.values()].map(({ key, interfaceName }) => [key, interfaceName]));
  const workloads = [...world.workloads.values()].map(({ key, addresses }) => ({
    name: names.get(key)!,
    neighbours: addresses,
  }));
  const others = packets
    .flatMap(({ source, destination }) => [source, destination])
    .filter(address => world.workloadAt(address) === undefined);
  const addresses = ['198.51.100.1/24', 'fd51::1/64'];
  return [...workloads, { name: UPLINK, neighbours: [...new Set(others)], addresses }];
}

for (const backend of ['nft', 'legacy'] as const satisfies readonly Implementation[]) {
  test(`every recipe does what is expected of it, on iptables-${backend}`, async t => {
    t.timeout(120_000);
    let [passed, dropped] = [0, 0];
    for (const { manifests, documents, expectations } of await readScenarios(FILE)) {
      const recipe = manifests.join(' + ');
      const world = new World(documents);
      const expected = expectations.map((each): Expected => {
        const result = check(world, each);
        if (result.kind === 'senseless') throw new Error(result.problem);
        t.is(result.kind, 'met', `${recipe}: ${JSON.stringify(each)}`);
        return {
          words: `${recipe}: ${JSON.stringify(each)}`,
          packet: result.journey.packet,
          allowed: each.verdict === 'allow',
        };
      });
      const interfaces = interfacesOf(
        world,
        expected.map(({ packet }) => packet),
      );
      const lab = new PacketLab(t, interfaces);
      const { policy, settings } = world.host(HOST);
      const applier = startApplier(t, lab.host, { backend });
      applier.setDesired(renderFilter(policy, settings));
      t.true(await applier.applied(), JSON.stringify(applier.status().problems));
      t.deepEqual(applier.status().problems, []);
      const behind = (address: IpAddress) =>
        interfaces.find(({ neighbours }) => neighbours.includes(address))!.name;
      const arrivals = await lab.pass(
        expected.map(({ packet }) => ({ packet, from: behind(packet.source) })),
        100,
      );
      for (const [i, { words, packet, allowed }] of expected.entries()) {
        t.deepEqual(arrivals[i], allowed ? [behind(packet.destination)] : [], words);
        if (allowed) passed++;
        else dropped++;
      }
      applier.close();
    }
    t.log(`${passed} packets passed, ${dropped} were dropped`);
    t.true(passed > 15 && dropped > 15);
  });
}
