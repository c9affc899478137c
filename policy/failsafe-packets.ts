/** What no policy of a host endpoint closes, beside the ports that are configured. */

/**
 * ICMPv6 types without which a host has no neighbours (RFC 4890 section 4.4.1): multicast listeners (130 to 132, 143), routers (133, 134)
 * and neighbours (135, 136).
 */
export const NEIGHBOUR_DISCOVERY: readonly number[] = [130, 131, 132, 133, 134, 135, 136, 143];

/** Of these, what a workload may send to its host whatever policy says: all but router advertisements. */
export const NEIGHBOUR_DISCOVERY_OF_WORKLOADS: readonly number[] = NEIGHBOUR_DISCOVERY.filter(
  type => type !== 134,
);
