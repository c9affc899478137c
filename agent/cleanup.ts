/** SHELL: `margay-agent cleanup`: everything that an agent has written to this host goes; the store stays. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../bgp/speaker/system-clock.js';
import { MARGAY_ROUTE_PROTOCOL, tunnelKinds } from '../ipip/desired.js';
import { iptablesFirewall } from '../ipip/forward-firewall.js';
import { undoForwarding } from '../ipip/forwarding.js';
import { guardFirewall } from '../ipip/guard-firewall.js';
import { ownDevice } from '../ipip/tunnel-devices.js';
import { undoGuard } from '../ipip/tunnel-guard.js';
import { readUdpStatus, udpStatePath, udpStatusPath, writeUdpState } from '../ipip/udp/state-file.js';
import { claimHost } from '../linux/host-claim.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';
import type { Settings } from './config/setting.js';
import { ControlClient } from './control/client.js';
import { removeFilter } from './filter/remove-filter.js';

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
  const failures =
    (await removeRoutes(say)) +
    (await removePolicy(say)) +
    (await emptyUdpTable(settings, say)) +
    (await removeDevices(say));
  const forwarding = await undoForwarding({
    stateFile: changedSysctlsFile(settings),
    firewall: iptablesFirewall(),
  });
  // After the devices: what they would have received has nobody to receive it.
  const guard = await undoGuard({ firewall: guardFirewall() });
  for (const text of [...forwarding.done, ...guard.done]) say(text);
  const failed = [...forwarding.failed, ...guard.failed];
  for (const text of failed) say(text);
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

/** After the routes: a workload that has one is guarded. */
async function removePolicy(say: (text: string) => void): Promise<number> {
  const removal = await removeFilter(systemClock);
  if (removal.kind === 'removed') say('chains and sets of network policy removed');
  if (removal.kind === 'failed') say(`network policy: ${removal.problem}`);
  return removal.kind === 'failed' ? 1 : 0;
}

/** A data path that runs would make its device again. */
async function emptyUdpTable(settings: Settings, say: (text: string) => void): Promise<number> {
  const path = udpStatePath(settings.stateDirectory);
  if (!existsSync(path)) return 0;
  try {
    await writeUdpState(path, { device: undefined });
    if ((await readUdpStatus(udpStatusPath(settings.stateDirectory))) === undefined) rmSync(path);
    else await untilIdle(settings);
    say('table of the UDP data path emptied');
    return 0;
  } catch (error) {
    say(`${path}: ${(error as Error).message}`);
    return 1;
  }
}

async function untilIdle(settings: Settings): Promise<void> {
  for (let i = 0; i < UDP_LOOKS; i++) {
    const status = await readUdpStatus(udpStatusPath(settings.stateDirectory));
    if (status?.device === null || status === undefined) return;
    await sleep(100);
  }
}

/** It looks at its table every two seconds. */
const UDP_LOOKS = 30;

async function removeDevices(say: (text: string) => void): Promise<number> {
  const kernel = new Rtnetlink();
  try {
    const links = await kernel.links();
    const own = tunnelKinds.flatMap(kind => ownDevice(kind, links) ?? []);
    const refusals = await kernel.deleteLinks(own.map(({ ifindex }) => ifindex));
    for (const [i, link] of own.entries()) {
      const refusal = refusals.get(i);
      say(refusal === undefined ? `${link.name} removed` : `${link.name}: ${describeRefusal(refusal)}`);
    }
    return refusals.size;
  } finally {
    kernel.close();
  }
}
