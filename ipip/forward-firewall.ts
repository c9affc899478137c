/** SHELL: the commands that look at and change this host's FORWARD chains. */
import { execFile } from 'node:child_process';
import { type ForwardChain, listedChains, nftablesDrops, parseForwardChain } from './forward-policy.js';

export const variants = ['iptables-nft', 'iptables-legacy'] as const;
export type Variant = (typeof variants)[number];

/** A packet filter, as {@link Forwarding} needs it. */
export interface ForwardFirewall {
  /** Undefined: the variant is not installed, or not in use. @throws where it cannot be read */
  read(variant: Variant): Promise<ForwardChain | undefined>;
  /** Input of `iptables-restore --noflush`. @throws with what the command said */
  restore(variant: Variant, input: string): Promise<void>;
  /** nftables' own base chains that drop forwarded packets by policy. */
  nftablesDrops(): Promise<readonly string[]>;
}

/** Another program may hold the lock of the legacy variant; longer than this it is looked at next time. */
const LOCK_WAIT_SECONDS = '5';
const TIMEOUT_MS = 10_000;

/** @param prefix a command to run the commands with, e.g. `['ip', 'netns', 'exec', 'X']` */
export function iptablesFirewall(prefix: readonly string[] = []): ForwardFirewall {
  const run = (command: string, args: readonly string[], input?: string) =>
    runCommand([...prefix, command, ...args], input);
  const list = (variant: Variant, chain: string) => run(variant, ['-w', LOCK_WAIT_SECONDS, '-S', chain]);
  return {
    async read(variant) {
      // Asking the legacy variant for a table would make it.
      if (variant === 'iptables-legacy' && !(await run('cat', [LEGACY_TABLES])).stdout.includes('filter'))
        return undefined;
      const forward = await list(variant, listedChains.forward);
      if (forward.missing) return undefined;
      if (forward.status !== 0) throw new Error(`${variant}: ${forward.stderr}`);
      const own = await list(variant, listedChains.own);
      return parseForwardChain(forward.stdout, own.status === 0 ? own.stdout : undefined);
    },
    async restore(variant, input) {
      const { status, stderr } = await run(
        `${variant}-restore`,
        ['-w', LOCK_WAIT_SECONDS, '--noflush'],
        input,
      );
      if (status !== 0) throw new Error(`${variant}-restore: ${stderr}`);
    },
    async nftablesDrops() {
      const { status, stdout } = await run('nft', ['list', 'chains']);
      return status === 0 ? nftablesDrops(stdout) : [];
    },
  };
}

const LEGACY_TABLES = '/proc/net/ip_tables_names';

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** There is no such command. */
  readonly missing: boolean;
}

function runCommand([command, ...args]: readonly string[], input = ''): Promise<Outcome> {
  return new Promise(resolve => {
    const child = execFile(command!, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const code = (error as { code?: unknown } | null)?.code ?? 0;
      const status = typeof code === 'number' ? code : 127;
      resolve({ status, stdout, stderr: stderr.trim(), missing: status === 127 || code === 'ENOENT' });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
