/** BFD of ours in a process and a network namespace of its own, driven over its contract. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { exited, kill, launch, type Place } from '../../../../bench/daemons/processes.js';
import type { BfdReport, BfdSessionConfig, BfdSessionStatus, BfdView } from '../../../../bgp/bfd/contract.js';
import type { BfdProcessCommand } from './bfd-process.js';

const PROCESS_FILE = fileURLToPath(new URL('./bfd-process.js', import.meta.url));

export class OurBfd {
  readonly heard: BfdSessionStatus[] = [];
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (view: BfdView) => void>();
  #usage: ((cpuMs: number) => void) | undefined;
  #queries = 0;

  constructor(place: Place) {
    this.#child = launch(place, { command: process.execPath, args: [PROCESS_FILE], env: {} }, 'ipc');
    this.#child.on('message', (report: BfdReport | { kind: 'usage'; cpuMs: number }) => {
      if (report.kind === 'session-status') this.heard.push(report.session);
      if (report.kind === 'answer') this.#answers.get(report.id)?.(report.view);
      if (report.kind === 'usage') this.#usage?.(report.cpuMs);
    });
  }

  set(session: Pick<BfdSessionConfig, 'address'> & Partial<BfdSessionConfig>): void {
    this.send({
      kind: 'set-session',
      session: {
        key: session.address,
        localAddress: undefined,
        interface: undefined,
        multihop: false,
        minTxMs: 300,
        minRxMs: 300,
        multiplier: 3,
        administrativeState: 'up',
        ...session,
      },
    });
  }

  send(command: BfdProcessCommand): void {
    this.#child.send(command);
  }

  view(): Promise<BfdView> {
    const id = ++this.#queries;
    return new Promise(resolve => {
      this.#answers.set(id, resolve);
      this.send({ kind: 'query', id });
    });
  }

  async session(): Promise<BfdSessionStatus> {
    return (await this.view()).sessions[0]!;
  }

  /** CPU time of the whole process so far, milliseconds. */
  cpuMs(): Promise<number> {
    return new Promise(resolve => {
      this.#usage = resolve;
      this.send({ kind: 'usage' });
    });
  }

  /** No thread of it runs for so long. */
  stopFor(ms: number): void {
    this.#child.kill('SIGSTOP');
    setTimeout(() => this.#child.kill('SIGCONT'), ms);
  }

  /** AdminDown to its peers. */
  async close(): Promise<void> {
    this.send({ kind: 'close' });
    await exited(this.#child);
  }

  async kill(): Promise<void> {
    await kill(this.#child, 'SIGKILL');
  }
}
