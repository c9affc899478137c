/**
 * Where the other daemons, iperf3 and what reads MRT and BMP are: `scripts/daemons.mjs` unpacks them into the cache folder on first use; nothing is installed.
 */
import type { Launch } from './processes.js';

export type Daemon = 'bird2' | 'frr' | 'gobgpd' | 'redis' | 'iperf3' | 'bgpdump' | 'pmacct';

export interface Daemons {
  /** @throws if the daemon's packages cannot be fetched or it has no such program */
  launch(daemon: Daemon, program: string, args: readonly string[]): Launch;
}

/** What `scripts/daemons.mjs` exports; plain JavaScript beside the compiled tree. */
interface DaemonScript {
  fetchDaemon(name: Daemon): {
    readonly programs: Readonly<Record<string, string>>;
    readonly env: Readonly<Record<string, string>>;
  };
}

export async function loadDaemons(): Promise<Daemons> {
  const script = new URL('../../../scripts/daemons.mjs', import.meta.url);
  const { fetchDaemon } = (await import(script.href)) as DaemonScript;
  return {
    launch: (daemon, program, args) => {
      const { programs, env } = fetchDaemon(daemon);
      const command = programs[program];
      if (command === undefined) throw new Error(`${daemon} has no program ${program}`);
      return { command, args, env };
    },
  };
}
