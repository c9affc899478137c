/**
 * SHELL: this host as a router: `ip_forward` on and kept on, what was changed remembered for `margay-agent cleanup`, and a FORWARD policy
 * that would drop pods' packets named with the cure.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readSysctl, writeSysctl } from '../linux/sysctl.js';
import type { Log } from './agent.js';
import type { Settings } from './config/settings.js';
import type { ConditionView } from './control/types.js';

const FORWARD = 'net/ipv4/ip_forward';
const LOOK_MS = 10_000;
const RULE_COMMENT = 'margay:accept-forwarding';

const run = promisify(execFile);

export class HostForwarding {
  readonly #stateFile: string;
  readonly #accept: boolean;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #problem: string | undefined;
  #policyDrops = false;

  constructor(settings: Pick<Settings, 'stateDirectory' | 'acceptForwarding'>, log: Log) {
    this.#stateFile = join(settings.stateDirectory, 'changed-sysctls.json');
    this.#accept = settings.acceptForwarding;
    this.#log = log;
  }

  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  conditions(): readonly ConditionView[] {
    const found: ConditionView[] = [];
    if (this.#problem !== undefined) {
      found.push({ severity: 'error', message: this.#problem, objects: [`sysctl ${FORWARD}`] });
    }
    if (this.#policyDrops) {
      const message =
        'the FORWARD policy is DROP, so packets of pods are dropped: set forwarding.accept, or run "iptables -P FORWARD ACCEPT"';
      found.push({ severity: 'warning', message, objects: ['iptables FORWARD'] });
    }
    return found;
  }

  #look(): void {
    this.#keepForwarding();
    void this.#lookAtPolicy().catch(() => {});
  }

  #keepForwarding(): void {
    try {
      const found = readSysctl(FORWARD);
      if (found !== '1') {
        this.#remember(found);
        writeSysctl(FORWARD, '1');
        this.#log.info({ was: found }, 'ip_forward switched on');
      }
      this.#problem = undefined;
    } catch (error) {
      this.#problem = `ip_forward cannot be switched on: ${(error as Error).message}`;
    }
  }

  /** The first value is the one that was there before us. */
  #remember(value: string): void {
    try {
      readFileSync(this.#stateFile);
    } catch {
      mkdirSync(join(this.#stateFile, '..'), { recursive: true, mode: 0o750 });
      writeFileSync(this.#stateFile, `${JSON.stringify({ [FORWARD]: value })}\n`);
    }
  }

  async #lookAtPolicy(): Promise<void> {
    const { stdout } = await run('iptables', ['-w', '5', '-S', 'FORWARD']);
    const drops = /^-P FORWARD DROP$/m.test(stdout);
    const ours = stdout.includes(RULE_COMMENT);
    if (drops && this.#accept && !ours) {
      await run('iptables', ['-w', '5', '-I', 'FORWARD', '1', ...acceptRule]);
      this.#log.info({}, 'rule added that accepts forwarded packets');
      this.#policyDrops = false;
      return;
    }
    this.#policyDrops = drops && !ours;
  }
}

const acceptRule = ['-m', 'comment', '--comment', RULE_COMMENT, '-j', 'ACCEPT'];

/** Puts back what {@link HostForwarding} changed; says what it did. */
export async function undoForwarding(stateDirectory: string): Promise<readonly string[]> {
  const done: string[] = [];
  const file = join(stateDirectory, 'changed-sysctls.json');
  try {
    const changed = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    for (const [name, value] of Object.entries(changed)) {
      writeSysctl(name, value);
      done.push(`${name} set back to ${value}`);
    }
    rmSync(file, { force: true });
  } catch {
    // Nothing was changed.
  }
  try {
    await run('iptables', ['-w', '5', '-D', 'FORWARD', ...acceptRule]);
    done.push('accept rule removed from FORWARD');
  } catch {
    // There is none, or no iptables.
  }
  return done;
}
