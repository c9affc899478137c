/** Two ends of a BFD session in memory, under a fake clock. */
import { Bfd } from '../../../bgp/bfd/bfd.js';
import type { BfdReport, BfdSessionConfig, BfdSessionStatus, BfdView } from '../../../bgp/bfd/contract.js';
import { FakeClock } from '../../../bgp/testing/fake-clock.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { MemoryTransport, MemoryWire } from './memory-transport.js';

export const LEFT = '10.0.0.1' as IpAddress;
export const RIGHT = '10.0.0.2' as IpAddress;

export class End {
  readonly bfd: Bfd;
  readonly transport: MemoryTransport;
  readonly reports: BfdReport[] = [];
  readonly peer: IpAddress;
  /** How much later than its timers know it is for this end. */
  lateMs = 0;

  constructor(
    wire: MemoryWire,
    clock: FakeClock,
    addresses: { readonly own: IpAddress; readonly peer: IpAddress },
  ) {
    this.peer = addresses.peer;
    this.transport = new MemoryTransport(wire, addresses.own);
    this.bfd = new Bfd({
      transport: this.transport,
      clock: {
        now: () => clock.now() + this.lateMs,
        schedule: (milliseconds, callback) => clock.schedule(milliseconds, callback),
      },
      random: seeded(addresses.own === LEFT ? 1 : 2),
      unixMs: () => clock.now(),
      // As over a message port: what cannot be cloned must not be reported.
      onReport: report => this.reports.push(structuredClone(report)),
    });
  }

  set(more: Partial<BfdSessionConfig> = {}): void {
    const session: BfdSessionConfig = {
      key: 'peer',
      address: this.peer,
      localAddress: undefined,
      interface: undefined,
      multihop: false,
      minTxMs: 300,
      minRxMs: 300,
      multiplier: 3,
      administrativeState: 'up',
      ...more,
    };
    this.bfd.command({ kind: 'set-session', session });
  }

  view(): BfdView {
    this.bfd.command({ kind: 'query', id: 1 });
    const answer = this.reports.at(-1);
    if (answer?.kind !== 'answer') throw new Error('no answer');
    return answer.view;
  }

  get session(): BfdSessionStatus {
    return this.view().sessions[0]!;
  }

  /** What it has said of the path, without repetitions. */
  verdicts(): readonly string[] {
    const said = this.reports.flatMap(report =>
      report.kind === 'session-status' ? [report.session.verdict] : [],
    );
    return said.filter((verdict, i) => verdict !== said[i - 1]);
  }
}

export interface Ends {
  readonly clock: FakeClock;
  readonly wire: MemoryWire;
  readonly left: End;
  readonly right: End;
}

export function twoEnds(delayMs = 1): Ends {
  const clock = new FakeClock();
  const wire = new MemoryWire(clock, delayMs);
  return {
    clock,
    wire,
    left: new End(wire, clock, { own: LEFT, peer: RIGHT }),
    right: new End(wire, clock, { own: RIGHT, peer: LEFT }),
  };
}

/** Both configured alike, and Up with nothing left to negotiate. */
export function twoEndsUp(more: Partial<BfdSessionConfig> = {}): Ends {
  const ends = twoEnds();
  ends.left.set(more);
  ends.right.set(more);
  ends.clock.advance(5000);
  return ends;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
