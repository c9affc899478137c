/** Numbers of BFD (RFC 5880, IANA "BFD Parameters"), and what people call them. */

/** State, two bits (RFC 5880 section 4.1). */
export const BfdState = { adminDown: 0, down: 1, init: 2, up: 3 } as const;
export type BfdState = (typeof BfdState)[keyof typeof BfdState];

export type BfdStateName = 'AdminDown' | 'Down' | 'Init' | 'Up';

export const bfdStateNames: Readonly<Record<BfdState, BfdStateName>> = {
  [BfdState.adminDown]: 'AdminDown',
  [BfdState.down]: 'Down',
  [BfdState.init]: 'Init',
  [BfdState.up]: 'Up',
};

/** Diagnostic, five bits (RFC 5880 section 4.1): why the session last left Up. Those that we send, and 0. */
export const Diagnostic = {
  none: 0,
  detectionTimeExpired: 1,
  neighborSignaledDown: 3,
  administrativelyDown: 7,
} as const;

const diagnosticWords: readonly string[] = [
  'none',
  'control detection time expired',
  'echo function failed',
  'peer signalled session down',
  'forwarding plane reset',
  'path down',
  'concatenated path down',
  'administratively down',
  'reverse concatenated path down',
  'misconnectivity defect',
];

/** Any of 0 to 31. */
export function describeDiagnostic(code: number): string {
  return diagnosticWords[code] ?? `diagnostic ${code}`;
}

/** UDP destination ports: RFC 5881 section 4, RFC 5883 section 5. */
export const BfdPort = { singleHop: 3784, multihop: 4784 } as const;

/** What a single hop's packets are sent with and must arrive with (RFC 5881 section 5). */
export const BFD_TTL = 255;

/** A system that is not Up asks for no more than a packet a second (RFC 5880 section 6.8.3). */
export const SLOW_INTERVAL_US = 1_000_000;
