/** An agent on a store in memory, with a speaker that answers as it is told to. */
import type { ExecutionContext } from 'ava';
import { Agent } from '../../agent/agent.js';
import type { AgentOptions } from '../../agent/options.js';
import type { SpeakerHostHandler } from '../../agent/speaker-host.js';
import type { SpeakerAnswer, SpeakerCommand, SpeakerQuery } from '../../bgp/speaker/contract.js';
import { FakeClock } from '../../bgp/testing/index.js';
import type { Resource } from '../../core/resources/resource.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { Store } from '../../store/port.js';
import { eventually } from '../support/eventually.js';

export interface RunningAgent {
  readonly agent: Agent;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly handler: SpeakerHostHandler;
  /** Everything that the speaker was told, in order. */
  readonly commands: SpeakerCommand[];
  readonly restarts: string[];
  /** What the speaker answers to a query. */
  answer: (query: SpeakerQuery) => SpeakerAnswer;
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Follows its store, as one of the cluster, when this resolves. Ends with the test. */
export async function runAgent(
  t: ExecutionContext,
  resources: readonly Resource[],
  more: Partial<AgentOptions> = {},
): Promise<RunningAgent> {
  const running = startAgent(t, resources, more);
  t.true(await eventually(() => isMember(running)));
  return running;
}

/** The speaker has been told everything. */
export function isMember({ commands }: RunningAgent): boolean {
  return commands.some(({ kind }) => kind === 'configuration-complete');
}

export function startAgent(
  t: ExecutionContext,
  resources: readonly Resource[],
  more: Partial<AgentOptions> = {},
  clock = new FakeClock(),
): RunningAgent {
  const store = more.store ?? new MemoryStore(resources);
  const commands: SpeakerCommand[] = [];
  const restarts: string[] = [];
  let handler: SpeakerHostHandler | undefined;
  const agent = new Agent({
    nodeName: 'a',
    version: '1.2.3',
    store,
    clock,
    identity: { instance: 'instance-a', process: 'process-a', boot: 'boot' },
    log: silent,
    gracefulRestart: {
      restartTimeSeconds: 120,
      staleTimeSeconds: 120,
      selectionDeferralSeconds: 120,
      forwardingPreserved: [],
    },
    restarting: false,
    dataplane: 'none',
    metric: 1024,
    nodeAddress: family =>
      family === 'ipv4'
        ? { kind: 'chosen', address: '10.0.0.1/24', reason: 'configured' }
        : { kind: 'none', reason: '' },
    storeLocation: 'memory',
    portHolder: () => undefined,
    hostConditions: () => [],
    startSpeaker: given => {
      handler = given;
      return {
        send: command => {
          commands.push(command);
          if (command.kind !== 'query') return;
          const { id, query } = command;
          queueMicrotask(() => given.event({ kind: 'answer', id, answer: running.answer(query) }));
        },
        restart: reason => void restarts.push(reason),
        suspend: () => void restarts.push('suspended'),
        resume: () => void restarts.push('resumed'),
        close: async () => {},
      };
    },
    ...more,
  });
  const running: RunningAgent = {
    agent,
    store,
    clock,
    handler: handler!,
    commands,
    restarts,
    answer: () => ({ kind: 'error', message: 'not asked for' }),
  };
  void agent.run();
  t.teardown(() => agent.stop('silent', ''));
  return running;
}
