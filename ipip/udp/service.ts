/** SHELL: the state file taken in, the tunnel that it asks for, and the status file that says how it goes. */
import type { Clock, Timer } from '../../core/clock.js';
import type { UdpState } from './state.js';
import { type FoundState, removeUdpStatus, UdpStateWatch, writeUdpStatus } from './state-file.js';
import { encodeUdpStatus, type UdpStatus } from './status.js';
import { TroubleList } from './trouble-list.js';
import { Tunnel, type TunnelPorts } from './tunnel.js';

export interface UdpServiceOptions {
  readonly statePath: string;
  readonly statusPath: string;
  readonly pid: number;
  readonly ports: TunnelPorts;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly log: (level: 'info' | 'warn', message: string, detail: object) => void;
  /** One line that says how it goes, whenever it is another. */
  readonly told: (line: string) => void;
}

const STATUS_MS = 1000;

export class UdpService {
  /** Once the state file has been looked at; with the first line. */
  readonly ready: Promise<string>;
  readonly #options: UdpServiceOptions;
  readonly #since: string;
  readonly #troubles: TroubleList;
  readonly #tunnel: Tunnel;
  readonly #watch: UdpStateWatch;
  #resolveReady: ((line: string) => void) | undefined;
  #statusTimer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #written = '';
  #toldLine = '';
  #closed = false;

  constructor(options: UdpServiceOptions) {
    const { ports, clock, nowMs, statePath, log } = options;
    this.#options = options;
    this.#since = new Date(nowMs()).toISOString();
    this.#troubles = new TroubleList(nowMs, (subject, message) =>
      message === ''
        ? log('info', `${subject}: all is well again`, {})
        : log('warn', `${subject}: ${message}`, {}),
    );
    this.#tunnel = new Tunnel(ports, clock, this.#troubles);
    this.ready = new Promise(resolve => {
      this.#resolveReady = resolve;
    });
    this.#watch = new UdpStateWatch(statePath, clock, found => this.#found(found));
    this.#sayStatusIn(STATUS_MS);
  }

  /** The device stays. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    this.#statusTimer?.cancel();
    this.#tunnel.close();
    await this.#writing;
    await removeUdpStatus(this.#options.statusPath).catch(() => {});
  }

  /** Whatever is wrong with the file, the last good table stays. */
  #found(found: FoundState): void {
    this.#troubles.set('state file', foundWords(found));
    if (found.kind === 'ok') {
      this.#tunnel.apply(found.state);
      this.#options.log('info', 'state taken in', stateDetail(found.state));
    }
    if (this.#resolveReady !== undefined) {
      this.#toldLine = this.#line();
      this.#resolveReady(this.#toldLine);
      this.#resolveReady = undefined;
    }
    // Whoever waits to hear of a restart need not wait for the second to be over.
    this.#sayStatusIn(0);
  }

  #sayStatusIn(milliseconds: number): void {
    if (this.#closed) return;
    this.#statusTimer?.cancel();
    this.#statusTimer = this.#options.clock.schedule(milliseconds, () => void this.#sayStatus());
  }

  async #sayStatus(): Promise<void> {
    const line = this.#line();
    if (line !== this.#toldLine) this.#options.told(line);
    this.#toldLine = line;
    const status = this.#status();
    const text = encodeUdpStatus(status);
    if (text !== this.#written) {
      this.#written = text;
      this.#writing = writeUdpStatus(this.#options.statusPath, status).then(
        () => this.#troubles.set('status file', ''),
        (error: Error) => {
          this.#written = '';
          this.#troubles.set('status file', error.message);
        },
      );
    }
    // One write at a time, however slow the disk is.
    await this.#writing;
    this.#sayStatusIn(STATUS_MS);
  }

  #status(): UdpStatus {
    const { device = null, port = null, routes } = this.#tunnel.open;
    return {
      pid: this.#options.pid,
      since: this.#since,
      device,
      port,
      routes,
      counters: this.#tunnel.counters,
      problems: this.#troubles.current,
      lastError: this.#troubles.last ?? null,
    };
  }

  #line(): string {
    const { device, port, routes } = this.#tunnel.open;
    const open =
      device === undefined && port === undefined
        ? 'idle'
        : `${device ?? 'no device'}, ${port === undefined ? 'no socket' : `port ${port}`}, routes ${routes}`;
    return [open, ...this.#troubles.current].join('; ');
  }
}

function foundWords(found: FoundState): string {
  switch (found.kind) {
    case 'ok':
      return '';
    case 'absent':
      return 'it is not there: the agent writes it';
    case 'unreadable':
      return found.message;
    case 'invalid':
      return found.problems.join('; ');
  }
}

function stateDetail(state: UdpState): object {
  if (state.device === undefined) return { device: null };
  const { device, port, local, routes, knownHosts } = state;
  return {
    device: device.name,
    mtu: device.mtu,
    port,
    local,
    routes: routes.length,
    hosts: knownHosts.length,
  };
}
