/** SHELL: `margay-agent cleanup`: everything that an agent has written to this host goes; the store stays. */
import { join } from 'node:path';
import { MARGAY_ROUTE_PROTOCOL } from '../ipip/desired.js';
import { iptablesFirewall } from '../ipip/forward-firewall.js';
import { undoForwarding } from '../ipip/forwarding.js';
import { claimHost } from '../linux/host-claim.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';
import type { Settings } from './config/settings.js';
import { ControlClient } from './control/client.js';

/** @returns the exit code */
export async function cleanUp(settings: Settings, say: (text: string) => void): Promise<number> {
  const running = await new ControlClient(settings.controlSocket).hello().catch(() => undefined);
  // Without a socket that we know of, too: under a configuration of its own, or at its start.
  const claim = claimHost();
  if (running !== undefined || claim.kind === 'taken') {
    const pid = running?.pid ?? (claim.kind === 'taken' ? claim.pid : undefined);
    const which = pid === undefined ? '' : ` (pid ${pid})`;
    say(`margay-agent runs${which}: stop it first, it would write everything again`);
    return 1;
  }
  const failures = await removeRoutes(say);
  const { done, failed } = await undoForwarding({
    stateFile: changedSysctlsFile(settings),
    firewall: iptablesFirewall(),
  });
  for (const text of [...done, ...failed]) say(text);
  return failures + failed.length === 0 ? 0 : 1;
}

/** What the agent changed of the host's settings, and from what. */
export function changedSysctlsFile({ stateDirectory }: Pick<Settings, 'stateDirectory'>): string {
  return join(stateDirectory, 'changed-sysctls.json');
}

async function removeRoutes(say: (text: string) => void): Promise<number> {
  const kernel = new Rtnetlink();
  let failures = 0;
  try {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const routes = await kernel.routes({ family, protocol: MARGAY_ROUTE_PROTOCOL });
      const refusals = await kernel.changeRoutes(
        routes.map(route => ({ kind: 'delete', destination: route.destination, form: route })),
      );
      for (const [i, refusal] of refusals) say(`${routes[i]!.destination}: ${describeRefusal(refusal)}`);
      failures += refusals.size;
      if (routes.length > 0) say(`${routes.length - refusals.size} ${family} routes removed`);
    }
  } finally {
    kernel.close();
  }
  return failures;
}
