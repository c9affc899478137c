/**
 * SHELL: the agent's side of the UDP data path, a process of its own that lives on while the agent does not: what it should carry goes into a
 * file, what it says of itself is read from another. Until the agent is in sync nothing that the file says is taken away: packets go by it.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { UdpState } from '../ipip/udp/state.js';
import {
  readUdpState,
  readUdpStatus,
  udpStatePath,
  udpStatusPath,
  writeUdpState,
} from '../ipip/udp/state-file.js';
import type { UdpStatus } from '../ipip/udp/status.js';

export interface UdpDataPathOptions {
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** {@link UdpDataPath.problem} is another. */
  readonly changed: () => void;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

const LOOK_MS = 2000;
const STOPPED = 'margay-udp does not run: "systemctl enable --now margay-udp" starts it';

export class UdpDataPath {
  readonly #options: UdpDataPathOptions;
  #wanted: UdpState | undefined;
  #mayRemove = false;
  #writing: Promise<void> | undefined;
  #again = false;
  #problem: string | undefined = STOPPED;
  /** By the last look; a process that is being restarted is missed once, and nobody needs to hear of it. */
  #missed = false;
  #firstLook: Promise<void> | undefined;
  #failure: string | undefined;
  #timer: Timer | undefined;
  /** Of what could not be written. */
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: UdpDataPathOptions) {
    this.#options = options;
  }

  /** Why packets are not carried, in words. */
  get problem(): string | undefined {
    return this.#failure ?? this.#problem;
  }

  /** The whole state. */
  want(state: UdpState): void {
    this.#wanted = state;
    this.#write();
    if (state.device !== undefined) this.#firstLook ??= this.#look();
  }

  /** Resolves when {@link problem} is true of the process. */
  async looked(): Promise<void> {
    await this.#firstLook;
  }

  /** The store and the RIB have been in sync for a while: what is not wanted may go. */
  allowRemovals(): void {
    if (this.#mayRemove) return;
    this.#mayRemove = true;
    this.#write();
  }

  /** Leaves everything as it is; resolves when the write that is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#retry?.cancel();
    await this.#writing;
  }

  #write(): void {
    this.#again = true;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#writeOnce();
    }
  }

  async #writeOnce(): Promise<void> {
    const path = udpStatePath(this.#options.stateDirectory);
    try {
      const state = this.#mayRemove ? this.#wanted : keeping(await readUdpState(path), this.#wanted);
      if (state !== undefined) await writeUdpState(path, state);
      this.#tell(() => {
        this.#failure = undefined;
      });
    } catch (error) {
      const { message } = error as Error;
      const failure = `its routes cannot be written: ${message}`;
      if (this.#failure !== failure)
        this.#options.log('warn', 'routes of the UDP data path cannot be written', message);
      this.#tell(() => {
        this.#failure = failure;
      });
      this.#retry?.cancel();
      if (!this.#closed) this.#retry = this.#options.clock.schedule(LOOK_MS, () => void this.#write());
    }
  }

  async #look(): Promise<void> {
    this.#timer?.cancel();
    if (this.#closed) return;
    const status = await readUdpStatus(udpStatusPath(this.#options.stateDirectory));
    this.#tell(() => {
      if (status !== undefined) this.#problem = problemOf(status);
      else if (this.#missed) this.#problem = STOPPED;
      this.#missed = status === undefined;
    });
    if (this.#closed) return;
    this.#timer = this.#options.clock.schedule(LOOK_MS, () => void this.#look());
  }

  #tell(change: () => void): void {
    const before = this.problem;
    change();
    if (this.problem !== before && !this.#closed) this.#options.changed();
  }
}

/** Packets are carried where there is a device and a port; until then it says what it lacks. */
function problemOf({ device, port, problems }: UdpStatus): string | undefined {
  if (device !== null && port !== null) return undefined;
  return problems[0] ?? 'margay-udp is about to begin';
}

/** What is wanted, and what was there before: routes and hosts of an earlier process, as long as nobody knows better. */
export function keeping(
  found: Awaited<ReturnType<typeof readUdpState>>,
  wanted: UdpState | undefined,
): UdpState | undefined {
  if (found.kind !== 'ok' || found.state.device === undefined) return wanted;
  const before = found.state;
  // That nothing is carried is known only when all is in sync.
  if (wanted?.device === undefined) return undefined;
  const routes = new Map([...before.routes, ...wanted.routes]);
  return {
    ...wanted,
    routes: [...routes],
    knownHosts: [...new Set([...before.knownHosts, ...wanted.knownHosts])],
  };
}
