/** Which routes hang on which sessions, among speakers in memory. */
import test from 'ava';
import type { SpeakerAnswer, SpeakerCommand } from '../../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../../bgp/speaker/defaults.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';

const AS = 64512 as never;
const addressOf = (host: number) => `10.0.0.${host}` as never;

class World {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly #speakers = new Map<number, (command: SpeakerCommand) => SpeakerAnswer | undefined>();

  constructor(hosts: number) {
    for (let host = 1; host <= hosts; host++) this.#add(host);
  }

  #add(host: number): void {
    let answer: SpeakerAnswer | undefined;
    const speaker = new Speaker({
      transport: this.network.host(addressOf(host)),
      clock: this.clock,
      random: () => 0.5,
      unixMs: () => this.clock.now(),
      onEvent: event => {
        if (event.kind === 'answer') answer = event.answer;
        if (event.kind !== 'watch-next-hops') return;
        const nextHops = event.nextHops.map(nextHop => ({ nextHop, reachable: true, metric: 0 }));
        speaker.command({ kind: 'next-hop-status', nextHops });
      },
    });
    const command = (given: SpeakerCommand) => {
      answer = undefined;
      speaker.command(given);
      return answer;
    };
    this.#speakers.set(host, command);
    const listen = [{ address: addressOf(host), port: 179 }];
    const config = { ...speakerDefaults, asn: AS, routerId: addressOf(host), listen };
    command({ kind: 'configure', config: config as never });
    command({ kind: 'originate', routes: [own(`10.244.${host}.0/24`)] });
    command({ kind: 'configuration-complete' });
  }

  tell(host: number, command: SpeakerCommand): SpeakerAnswer | undefined {
    return this.#speakers.get(host)!(command);
  }

  link(a: number, b: number, clientOfA = false): void {
    this.#peer(a, b, clientOfA);
    this.#peer(b, a, false);
  }

  #peer(host: number, other: number, routeReflectorClient: boolean): void {
    const peer = {
      ...peerDefaults,
      key: `to-${other}`,
      address: addressOf(other),
      asn: AS,
      families: ['ipv4-unicast'],
    };
    this.tell(host, {
      kind: 'set-peer',
      peer: { ...peer, localAddress: addressOf(host), routeReflectorClient } as never,
    });
  }

  dependence(host: number, ending: readonly number[], relays: readonly number[] = []): readonly string[] {
    const keys = (hosts: readonly number[]) => hosts.map(other => `to-${other}`);
    const query = { kind: 'dependence', ending: keys(ending), relays: keys(relays) } as const;
    const answer = this.tell(host, { kind: 'query', id: 1, query });
    return answer?.kind === 'dependence'
      ? answer.dependence.map(({ peer, prefixes, example }) => `${peer} ${prefixes} ${example}`)
      : ['no answer'];
  }
}

function own(prefix: string): never {
  return {
    prefix,
    nextHop: undefined,
    communities: [],
    largeCommunities: [],
    localPref: undefined,
    med: undefined,
  } as never;
}

test('a route hangs on sessions that end if no other brings it', t => {
  const world = new World(3);
  world.link(1, 2);
  world.link(1, 3);
  world.clock.advance(10_000);
  t.deepEqual(world.dependence(1, [2]), ['to-2 1 10.244.2.0/24']);
  t.deepEqual(world.dependence(1, [2, 3]).length, 2);
  t.deepEqual(world.dependence(1, []), []);
});

test('a route that a reflector tells as well does not hang on the direct session, nor on either alone', t => {
  const world = new World(3);
  // 1 reflects between 2 and 3, who have a session of their own.
  world.link(1, 2, true);
  world.link(1, 3, true);
  world.link(2, 3);
  world.clock.advance(10_000);
  t.deepEqual(world.dependence(2, [3]), []);
  t.deepEqual(world.dependence(2, [1]), ['to-1 1 10.244.1.0/24']);
  t.deepEqual(world.dependence(2, [1, 3]).toSorted(), ['to-1 1 10.244.1.0/24', 'to-3 1 10.244.3.0/24']);
});

test('of a reflector that ceases to reflect hangs what it reflects, not what it tells of its own', t => {
  const world = new World(3);
  world.link(1, 2, true);
  world.link(1, 3, true);
  world.clock.advance(10_000);
  t.deepEqual(world.dependence(2, [], [1]), ['to-1 1 10.244.3.0/24']);
  world.link(2, 3);
  world.clock.advance(10_000);
  t.deepEqual(world.dependence(2, [], [1]), []);
});
