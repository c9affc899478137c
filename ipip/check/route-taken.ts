/** Which route packets to an address leave this host by (pure): one of ours, another program's, or none. */
import { addressBits, addressFamily, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../core/prefix.js';
import { type RoutesHere, routeProblem } from './route-problem.js';

export interface RouteTaken {
  /** `own`: it is an address of the host itself. */
  readonly kind: 'own' | 'ours' | 'foreign' | 'none';
  /** Undefined for `own` and `none`. */
  readonly prefix: Prefix | undefined;
  /** Where it leads; none: nowhere, packets end here. */
  readonly legs: readonly { readonly gateway: IpAddress | undefined; readonly interfaceName: string }[];
  /** Why it is no route of ours, in words; "" where it is one. */
  readonly problem: string;
}

export interface RoutesAndNames extends RoutesHere {
  readonly isOwn: (address: IpAddress) => boolean;
  readonly nameOf: (ifindex: number) => string | undefined;
}

export function routeTaken(destination: IpAddress, routes: RoutesAndNames): RouteTaken {
  if (routes.isOwn(destination)) return { kind: 'own', prefix: undefined, legs: [], problem: '' };
  const bits = addressBits(addressFamily(destination));
  const problem = routeProblem(prefixOf(destination, bits), routes) ?? '';
  const legsOf = (legs: readonly { readonly gateway: IpAddress | undefined; readonly ifindex: number }[]) =>
    legs.map(({ gateway, ifindex }) => ({
      gateway,
      interfaceName: routes.nameOf(ifindex) ?? `interface ${ifindex}`,
    }));
  if (problem === '') {
    for (let length = bits; length >= 0; length--) {
      const prefix = prefixOf(destination, length);
      const route = routes.desired(prefix);
      if (route !== undefined)
        return { kind: 'ours', prefix, legs: route.kind === 'unicast' ? legsOf(route.legs) : [], problem };
    }
  }
  const foreign = routes.foreign(destination);
  if (foreign === undefined) return { kind: 'none', prefix: undefined, legs: [], problem };
  return { kind: 'foreign', prefix: foreign.destination, legs: legsOf(foreign.nextHops), problem };
}
