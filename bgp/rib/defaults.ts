/** What of a peer matters to routes is this unless its owner says otherwise. */
import { acceptAll } from '../speaker/defaults.js';
import type { RibPolicies } from './contract.js';

export const ribPolicyDefaults: RibPolicies = {
  nextHopMode: 'auto',
  sharedSubnets: [],
  linkLocalAddress: undefined,
  pathsPerPrefix: 1,
  routeReflectorClient: false,
  importPolicy: acceptAll,
  exportPolicy: acceptAll,
  ownAsnsAllowed: 0,
  enforceFirstAs: true,
  removePrivateAsns: false,
  gracefulShutdown: false,
  honourGracefulShutdown: true,
};
