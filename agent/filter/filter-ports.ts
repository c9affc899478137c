/** SHELL: the packet filter of this host: the adapters that the agent enforces policy through. */
import type { Clock } from '../../core/clock.js';
import { DEFAULT_UDP_PORT } from '../../ipip/udp/state.js';
import { openIptablesInfo } from '../../linux/iptables-info.js';
import { ConntrackTable } from '../../linux/netlink/conntrack-table.js';
import { IpsetHeaders } from '../../linux/netlink/ipset-headers.js';
import { FilterApplier } from '../../policy/apply/applier.js';
import { dryRun } from '../../policy/apply/apply-once.js';
import { filterCommands } from '../../policy/apply/commands.js';
import { legacyWatch } from '../../policy/apply/legacy-watch.js';
import { nftablesWatch } from '../../policy/apply/nftables-watch.js';
import { setWatch } from '../../policy/apply/set-watch.js';
import type { Log } from '../options.js';
import type { FilterPorts } from './ports.js';

export function filterPorts(clock: Clock, log: Log): FilterPorts {
  const kernel = filterCommands();
  return {
    newApplier: ({ backend, refreshMs }, changed, after) =>
      new FilterApplier({
        kernel,
        clock,
        backend,
        refreshMs,
        ...(after === undefined ? {} : { after }),
        watches: {
          nft: nftablesWatch({ kernel }),
          legacy: legacyWatch({ clock, open: () => openIptablesInfo() }),
          sets: setWatch({ clock, open: () => new IpsetHeaders() }),
        },
        log: (level, message, detail) => log[level]({ detail }, message),
        changed,
      }),
    connections: new ConntrackTable(),
    plan: (filter, backend) => dryRun({ kernel, clock, backend }, filter),
    udpPort: DEFAULT_UDP_PORT,
  };
}
