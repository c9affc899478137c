/** SHELL: what the agent wants to know of its host before it does anything: addresses, and routes of ours that are there already. */
import { MARGAY_ROUTE_PROTOCOL } from '../ipip/desired.js';
import { Rtnetlink } from '../linux/netlink/rtnetlink.js';
import type { HostAddresses } from './node-address.js';

export interface HostSurvey {
  readonly addresses: HostAddresses;
  /** Routes of our protocol in the main table: an agent was here before. */
  readonly ownRoutes: number;
}

/** @throws where the kernel cannot be asked */
export async function surveyHost(): Promise<HostSurvey> {
  const kernel = new Rtnetlink();
  try {
    const [links, addresses, ipv4, ipv6] = await Promise.all([
      kernel.links(),
      kernel.addresses(),
      kernel.routes({ family: 'ipv4' }),
      kernel.routes({ family: 'ipv6' }),
    ]);
    const routes = [...ipv4, ...ipv6];
    const own = routes.filter(({ protocol }) => protocol === MARGAY_ROUTE_PROTOCOL);
    return { addresses: { links, addresses, routes }, ownRoutes: own.length };
  } finally {
    kernel.close();
  }
}
