/**
 * SHELL: loose reverse-path filtering (RFC 3704 section 2.4) where tunnels are. While hosts change from one encapsulation to another, packets
 * of one flow come in by an interface that answers don't go out by; a strict filter would drop them. The kernel takes the larger of
 * `conf/all` and an interface's own value (ip-sysctl: rp_filter), so 2 on the interface holds whatever `all` is.
 */
import type { Clock } from '../core/clock.js';
import { KeptSysctls, linuxSysctls, type Sysctls } from './kept-sysctls.js';

const STRICT = '1';
const LOOSE = '2';

export interface ReversePathOptions {
  readonly stateFile: string;
  readonly clock: Clock;
  readonly sysctls?: Sysctls;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

export class ReversePath {
  readonly #sysctls: Sysctls;
  readonly #kept: KeptSysctls;
  readonly #interfaces = new Set<string>();

  constructor(options: ReversePathOptions) {
    this.#sysctls = options.sysctls ?? linuxSysctls;
    this.#kept = new KeptSysctls(options);
  }

  /** Makes it loose on these, too, and keeps it so; what still drops packets, in words. */
  loosen(interfaceNames: readonly string[]): string | undefined {
    const before = this.#interfaces.size;
    for (const name of interfaceNames) this.#interfaces.add(name);
    if (this.#interfaces.size !== before || interfaceNames.some(name => this.#isStrict(name))) this.#keep();
    const strict = interfaceNames.filter(name => this.#isStrict(name));
    if (strict.length === 0) return undefined;
    const cures = strict.map(name => `sysctl -w net/ipv4/conf/${name}/rp_filter=${LOOSE}`).join('; ');
    return `rp_filter is strict (${STRICT}) on ${strict.join(' and ')} and cannot be loosened: it would drop tunnelled packets; run "${cures}"`;
  }

  close(): void {
    this.#kept.close();
  }

  #keep(): void {
    const wanted = [...this.#interfaces].map(name => ({
      name: parameter(name),
      value: LOOSE,
      words: `rp_filter of ${name}`,
    }));
    this.#kept.keep(wanted);
  }

  #isStrict(interfaceName: string): boolean {
    const values = ['all', interfaceName].map(name => this.#read(name));
    return values.includes(STRICT) && !values.includes(LOOSE);
  }

  #read(name: string): string {
    try {
      return this.#sysctls.read(parameter(name));
    } catch {
      // The interface has just gone.
      return '';
    }
  }
}

function parameter(interfaceName: string): string {
  return `net/ipv4/conf/${interfaceName}/rp_filter`;
}
