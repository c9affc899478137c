/** Which changes the kernel makes to a tunnel device that is there, pure. */
import type { TunnelParameters } from './link.js';

/**
 * Whether `changeLinks` can make a device of `from` one of `to`; where not, it has to be deleted and made anew. The kernel refuses some of
 * these changes, and some it neither makes nor refuses: a VXLAN device keeps its port, and the link that it is bound to is exchanged but not
 * given up.
 */
export function changesInPlace(from: TunnelParameters, to: TunnelParameters): boolean {
  switch (to.kind) {
    case 'ipip':
      // A link with a remote address is point-to-point, which is for life.
      return from.kind === 'ipip' && (from.remote === undefined) === (to.remote === undefined);
    case 'vxlan':
      return (
        from.kind === 'vxlan' &&
        from.vni === to.vni &&
        from.port === to.port &&
        (from.parentIfindex === 0 || to.parentIfindex !== 0)
      );
  }
}
