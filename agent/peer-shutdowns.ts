/**
 * SHELL: which peers an operator has shut down on this host, and why: a file of the state directory, so that it outlives the agent and
 * holds while the store is away. Keys are those of peers; one whose peer is gone stays, for when it is back.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface PeerShutdown {
  /** Sent to the peer (RFC 9003); may be empty. */
  readonly message: string;
  readonly sinceUnixMs: number;
}

export function peerShutdownsPath(stateDirectory: string): string {
  return join(stateDirectory, 'peer-shutdowns.json');
}

export class PeerShutdowns {
  readonly #path: string | undefined;
  readonly #shutdowns: Map<string, PeerShutdown>;

  /**
   * @param path undefined keeps them in memory alone
   * @param unreadable told what is wrong with the file, which counts as empty then
   */
  constructor(path: string | undefined, unreadable: (problem: string) => void = () => {}) {
    this.#path = path;
    this.#shutdowns = path === undefined ? new Map() : read(path, unreadable);
  }

  get(key: string): PeerShutdown | undefined {
    return this.#shutdowns.get(key);
  }

  /** @throws the system's error if it cannot be written: then nothing has changed */
  set(key: string, shutdown: PeerShutdown): void {
    this.#write(new Map(this.#shutdowns).set(key, shutdown));
    this.#shutdowns.set(key, shutdown);
  }

  /** @throws the system's error if it cannot be written: then nothing has changed */
  delete(key: string): void {
    if (!this.#shutdowns.has(key)) return;
    const rest = new Map(this.#shutdowns);
    rest.delete(key);
    this.#write(rest);
    this.#shutdowns.delete(key);
  }

  #write(shutdowns: ReadonlyMap<string, PeerShutdown>): void {
    if (this.#path === undefined) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.next`;
    writeFileSync(next, `${JSON.stringify(Object.fromEntries(shutdowns), undefined, 2)}\n`, { flush: true });
    renameSync(next, this.#path);
  }
}

function read(path: string, unreadable: (problem: string) => void): Map<string, PeerShutdown> {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      unreadable(`${path}: ${(error as Error).message}`);
    return new Map();
  }
}

function parse(text: string): Map<string, PeerShutdown> {
  const content: unknown = JSON.parse(text);
  if (typeof content !== 'object' || content === null) throw new Error('is not an object of peers');
  return new Map(
    Object.entries(content).map(([key, value]: [string, Partial<PeerShutdown> | null]) => {
      const { message, sinceUnixMs } = value ?? {};
      if (typeof message !== 'string' || typeof sinceUnixMs !== 'number') {
        throw new Error(`${key} has no "message" and "sinceUnixMs"`);
      }
      return [key, { message, sinceUnixMs }];
    }),
  );
}
