/** Made-up OPENs, configurations and states for tests of the machine. */
import { type Negotiated, negotiate } from '../../../bgp/fsm/negotiate.js';
import type { FsmConfig, LocalOpen, SessionEvent, SessionState } from '../../../bgp/fsm/session-state.js';
import type { Capability } from '../../../bgp/wire/capabilities.js';
import type { Open } from '../../../bgp/wire/open.js';
import type { Ipv4Address } from '../../../core/ip-address.js';

export const ipv4Unicast: Capability = { kind: 'multiprotocol', afi: 1, safi: 1 };

export function open(fields: Partial<Open> & { readonly asn4?: number } = {}): Open {
  const { asn4, ...rest } = fields;
  return {
    version: 4,
    asn: 64512,
    holdTimeSeconds: 90,
    routerId: '10.0.0.2' as Ipv4Address,
    capabilities: [ipv4Unicast, { kind: 'four-octet-as', asn: asn4 ?? fields.asn ?? 64512 }],
    ...rest,
  };
}

export function local(fields: Partial<LocalOpen> = {}): LocalOpen {
  return {
    open: open({ routerId: '10.0.0.1' as Ipv4Address }),
    asn: 64512,
    peerAsn: 64512,
    keepaliveSeconds: undefined,
    roleStrict: false,
    ...fields,
  };
}

export function config(fields: Partial<FsmConfig> = {}): FsmConfig {
  return {
    passive: false,
    connectRetrySeconds: 5,
    idleHoldMaxSeconds: 60,
    delayOpenSeconds: undefined,
    sendHoldTimeSeconds: undefined,
    holdExpiryKeeps: false,
    local: local(),
    ...fields,
  };
}

export function agreed(remote: Open = open(), ours: LocalOpen = local()): Negotiated {
  const negotiation = negotiate(ours, remote);
  if (negotiation.kind !== 'agreed') throw new Error(negotiation.error.detail);
  return negotiation.negotiated;
}

export const states = {
  Idle: { kind: 'Idle', connectRetryCounter: 1 },
  Connect: { kind: 'Connect', connectRetryCounter: 1, delayingOpen: false },
  Active: { kind: 'Active', connectRetryCounter: 1, delayingOpen: false },
  OpenSent: { kind: 'OpenSent', connectRetryCounter: 1 },
  OpenConfirm: { kind: 'OpenConfirm', connectRetryCounter: 1, negotiated: agreed() },
  Established: { kind: 'Established', connectRetryCounter: 1, negotiated: agreed() },
} as const satisfies Record<SessionState['kind'], SessionState>;

const noData = new Uint8Array(0);

/** One of each, timers one by one. */
export const events: Readonly<Record<string, SessionEvent>> = {
  'manual-start': { kind: 'manual-start' },
  'manual-stop': { kind: 'manual-stop', message: '' },
  'automatic-start': { kind: 'automatic-start' },
  'automatic-stop': { kind: 'automatic-stop', subcode: 6, detail: 'changed' },
  'connect-retry': { kind: 'timer-expired', timer: 'connect-retry' },
  hold: { kind: 'timer-expired', timer: 'hold' },
  'send-hold': { kind: 'timer-expired', timer: 'send-hold' },
  keepalive: { kind: 'timer-expired', timer: 'keepalive' },
  'delay-open': { kind: 'timer-expired', timer: 'delay-open' },
  'idle-hold': { kind: 'timer-expired', timer: 'idle-hold' },
  damping: { kind: 'timer-expired', timer: 'damping' },
  acknowledged: { kind: 'tcp-connection-acknowledged' },
  confirmed: { kind: 'tcp-connection-confirmed' },
  'tcp-failed': { kind: 'tcp-connection-failed', detail: 'connection refused' },
  open: { kind: 'open-received', open: open() },
  'bad-open': { kind: 'open-received', open: open({ asn: 65000 }) },
  error: { kind: 'message-error', error: { code: 1, subcode: 1, data: noData, detail: 'marker' } },
  collision: { kind: 'open-collision-dump' },
  restarted: { kind: 'peer-restarted' },
  notification: { kind: 'notification-received', notification: { code: 6, subcode: 2, data: noData } },
  'version-error': { kind: 'notification-received', notification: { code: 2, subcode: 1, data: noData } },
  keepalive_: { kind: 'keepalive-received' },
  updates: { kind: 'updates-received' },
  refresh: { kind: 'route-refresh-received' },
  'keepalive-time': { kind: 'keepalive-time-changed' },
};
