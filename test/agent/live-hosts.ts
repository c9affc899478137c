/** Hosts with agents of their own, on one store in memory and by one clock. */
import type { ExecutionContext } from 'ava';
import type { AgentOptions } from '../../agent/options.js';
import { agentStatus } from '../../agent/status.js';
import { FakeClock } from '../../bgp/testing/index.js';
import type { NodeResource, Resource } from '../../core/resources/resource.js';
import { MemoryStore } from '../../store/memory-store.js';
import { FaultyStore } from './controller/faulty-store.js';
import { type RunningAgent, startAgent } from './running-agent.js';

interface HostOptions {
  readonly name?: string;
  readonly instance?: string;
  readonly address?: string;
  readonly ipv6?: string;
  readonly more?: Partial<AgentOptions>;
}

export interface LiveHost extends RunningAgent {
  readonly faulty: FaultyStore;
  address: string;
}

/** Hosts with one store and one clock. */
export function cluster(t: ExecutionContext, resources: readonly Resource[] = []) {
  const [memory, clock] = [new MemoryStore(resources), new FakeClock()];
  let processes = 0;
  const begin = ({
    name = 'a',
    instance = name,
    address = '10.0.0.1/24',
    ipv6,
    more = {},
  }: HostOptions = {}): LiveHost => {
    const faulty = new FaultyStore(memory, clock);
    const host = { address };
    const identity = { instance, process: `${instance}-${++processes}`, boot: `boot-of-${instance}` };
    const running = startAgent(
      t,
      [],
      {
        ...{ nodeName: name, store: faulty, identity },
        nodeAddress: family => {
          if (family === 'ipv4') return { kind: 'chosen', address: host.address, reason: 'configured' };
          return ipv6 === undefined
            ? { kind: 'none', reason: '' }
            : { kind: 'chosen', address: ipv6, reason: 'configured' };
        },
        ...more,
      },
      clock,
    );
    return Object.assign(host, running, { faulty });
  };
  const stored = async (name: string) => {
    const found = await memory.get({ kind: 'Node', name });
    return found.kind === 'ok' ? (found.value.resource as NodeResource).spec.bgp : undefined;
  };
  const kill = ({ agent, faulty }: LiveHost) => {
    faulty.faults.reachable = false;
    void agent.life.close();
  };
  return { memory, clock, begin, stored, kill };
}

/** Conditions of its status. */
export const words = ({ agent }: RunningAgent) => agentStatus(agent).conditions.map(({ message }) => message);
