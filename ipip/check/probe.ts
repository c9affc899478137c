/** One ping and what became of it (pure): what the check of paths and the command `ping` agree on. */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';

export interface Probe {
  readonly from: IpAddress;
  readonly to: IpAddress;
  /** Of the IP packet, {@link headersBytes} to 65535. It must not be fragmented by whoever forwards it. */
  readonly bytes: number;
  /** An answer later than this is none. */
  readonly patienceSeconds: number;
}

/** IPv4 (20) or IPv6 (40), and ICMP (8). */
export function headersBytes(to: IpAddress): number {
  return addressFamily(to) === 'ipv4' ? 28 : 48;
}

/** As pings are by default. */
export const SMALL_BYTES = 84;

export type Outcome =
  | { readonly kind: 'answered'; readonly rttMs: number }
  | { readonly kind: 'silent' }
  /** Somebody on the way said that it is larger than what goes on from there (RFC 1191, RFC 8201), or this host's kernel knows. */
  | { readonly kind: 'too-big'; readonly mtu: number }
  /** Somebody on the way, or the host itself, said no: in words. */
  | { readonly kind: 'rejected'; readonly detail: string }
  /** It has not left this host: in words. */
  | { readonly kind: 'not-sent'; readonly detail: string };

export interface Prober {
  /**
   * Several packets may be sent; the first answer counts. Resolves soon after the signal aborts, and then means nothing.
   *
   * @throws where no probe can be made on this host, with words for people
   */
  probe(probe: Probe, signal: AbortSignal): Promise<Outcome>;
}
