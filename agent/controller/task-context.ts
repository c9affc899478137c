/** What the controller's tasks work with. */
import type { Clock } from '../../core/clock.js';
import type { IpamContext } from '../../ipam/context.js';
import type { Store } from '../../store/port.js';
import type { Log } from '../options.js';

export interface TaskContext {
  /** Of the controller's host. */
  readonly nodeName: string;
  /** Refuses writes as soon as this host may not be the controller any more. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Gives back what a host that is deleted has of addresses and blocks; resolves to how many addresses that were. */
  readonly releaseAddresses: (node: string) => Promise<number>;
  /** Of this host; absent: it manages no addresses. */
  readonly ipam?: IpamContext | undefined;
}
