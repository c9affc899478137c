/** What this host's UDP data path should carry (pure). */
import { addressFamily, type IpAddress, type Ipv4Address } from '../core/ip-address.js';
import { type Ipv4Prefix, prefixAddress } from '../core/prefix.js';
import type { HostIntent } from '../ipip/kernel-facts.js';
import { isHostPrefix } from '../ipip/never-program.js';
import { deviceNames } from '../ipip/tunnel-devices.js';
import { tunnelOverhead } from '../ipip/tunnel-intent.js';
import type { TunnelUse } from '../ipip/tunnel-use.js';
import type { UdpState } from '../ipip/udp/state.js';

/** Undefined as long as it cannot be told. */
export function udpStateFor(
  { tunnels, remoteHosts, externalNodes }: HostIntent,
  kernel: { readonly underlayMtu: number | undefined; readonly tunnelUse: TunnelUse },
): UdpState | undefined {
  if (tunnels === undefined) return undefined;
  const { udp, local, address } = tunnels;
  if (udp === undefined || local === undefined) return { device: undefined };
  if (kernel.underlayMtu === undefined) return undefined;
  return {
    device: { name: deviceNames.udp, mtu: udp.mtu ?? kernel.underlayMtu - tunnelOverhead.udp },
    port: udp.port,
    local,
    tunnelAddress: address,
    routes: [...kernel.tunnelUse.udpDestinations] as [Ipv4Prefix, Ipv4Address][],
    knownHosts: [
      ...remoteHosts.map(({ address: host }) => host).filter(isIpv4),
      // It knows single hosts only; the guard in front of it knows networks, too.
      ...externalNodes.filter(isHostPrefix).map(prefixAddress).filter(isIpv4),
    ],
  };
}

function isIpv4(address: IpAddress): address is Ipv4Address {
  return addressFamily(address) === 'ipv4';
}
