/** A {@link FilterApplier} on the packet filter of a namespace. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { openIptablesInfo } from '../../../linux/iptables-info.js';
import { IpsetHeaders } from '../../../linux/netlink/ipset-headers.js';
import { type ApplierOptions, FilterApplier } from '../../../policy/apply/applier.js';
import { filterCommands } from '../../../policy/apply/commands.js';
import { legacyWatch } from '../../../policy/apply/legacy-watch.js';
import { nftablesWatch } from '../../../policy/apply/nftables-watch.js';
import { setWatch } from '../../../policy/apply/set-watch.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';

/** What the packet filter's commands of a namespace are run with: behind a lock of their own, as other tests run beside this one. */
export function toolsOf(t: ExecutionContext, { name }: Pick<NetworkNamespace, 'name'>): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  // Without the packages' commands: one of them is called nft.
  const paths = (process.env.PATH ?? '').split(':').filter(path => !path.includes('node_modules'));
  const own = [`XTABLES_LOCKFILE=${folder}/xtables.lock`, `PATH=${paths.join(':')}`];
  return ['env', ...own, 'ip', 'netns', 'exec', name];
}

/** Heeds what others do, unless `options` says otherwise. Closed by the test's teardown at the latest. */
export function startApplier(
  t: ExecutionContext,
  { name, path }: NetworkNamespace,
  options: Partial<ApplierOptions> = {},
): FilterApplier {
  const { kernel = filterCommands(toolsOf(t, { name })) } = options;
  const applier = new FilterApplier({
    kernel,
    clock: systemClock,
    backend: 'auto',
    refreshMs: 90_000,
    watches: {
      nft: nftablesWatch({ kernel, networkNamespace: path }),
      legacy: legacyWatch({ clock: systemClock, open: () => openIptablesInfo(path) }),
      sets: setWatch({ clock: systemClock, open: () => new IpsetHeaders(path) }),
    },
    log: () => {},
    changed: () => {},
    ...options,
  });
  t.teardown(() => applier.close());
  return applier;
}
