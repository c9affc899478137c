/** Where a packet goes, as people write it: `shop/db:5432/tcp`, `[fd00::1]:53/udp`, `10.65.0.2:icmp/8` (pure). */
import { parseIpAddress } from '../core/ip-address.js';
import { icmpAllowed, isIcmp, isPort, portAllowed } from '../policy/journey/cargo.js';
import { UsageError } from './command.js';

export interface CargoArgument {
  readonly port?: string;
  readonly icmp?: string;
}

export interface TargetArgument {
  readonly to: string;
  /** Undefined: none was written. */
  readonly cargo: CargoArgument | undefined;
}

/** Throws {@link UsageError}. */
export function parseTarget(text: string): TargetArgument {
  if (parseIpAddress(text) !== undefined) return { to: text, cargo: undefined };
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  const [, to = '', cargo] = bracketed ?? /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (to === '') {
    if (text.includes(':'))
      throw new UsageError(
        `"${text}" cannot be told apart into address and port: write an IPv6 address in brackets, as in [fd00::1]:443/tcp`,
      );
    throw new UsageError('explain needs a DST: a workload or an address');
  }
  return { to, cargo: cargo === undefined ? undefined : parseCargo(cargo) };
}

/** Throws {@link UsageError}. */
export function parseCargo(text: string): CargoArgument {
  const icmp = /^icmp(?:v?6)?\/(.*)$/i.exec(text)?.[1];
  if (icmp !== undefined) {
    if (isIcmp(icmp)) return { icmp };
    throw new UsageError(`"${text}": behind icmp/ stands ${icmpAllowed}`);
  }
  if (isPort(text)) return { port: text.toLowerCase() };
  throw new UsageError(
    `"${text}" is not what a packet carries: give ${portAllowed} (tcp, udp, sctp, udplite), or icmp/8`,
  );
}
