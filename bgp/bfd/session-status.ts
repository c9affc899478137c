/** What a session looks like to those who watch it. Pure. */
import type { BfdRemote, BfdSessionConfig, BfdSessionStatus, BfdVerdict } from './contract.js';
import type { ControlPacket } from './control-packet.js';
import { BfdState, bfdStateNames, describeDiagnostic } from './registry.js';

/** What it says of the path; see {@link BfdVerdict}. */
export function verdictOf(session: {
  readonly state: BfdState;
  readonly peerAdminDown: boolean;
  /** It was up, and is not for want of the path or by the peer's word. */
  readonly lost: boolean;
}): BfdVerdict {
  if (session.state === BfdState.up) return 'up';
  if (session.state === BfdState.adminDown || session.peerAdminDown) return 'admin-down';
  return session.lost ? 'down' : 'unknown';
}

export function sessionStatus(session: {
  readonly config: BfdSessionConfig;
  readonly state: BfdState;
  readonly verdict: BfdVerdict;
  readonly sinceUnixMs: number;
  readonly diagnostic: number;
  readonly info: string;
  readonly localDiscriminator: number;
  readonly transmitIntervalUs: number | undefined;
  readonly detectionTimeUs: number | undefined;
  readonly polling: boolean;
  readonly remote: ControlPacket | undefined;
  readonly flaps: number;
  readonly counters: BfdSessionStatus['counters'];
}): BfdSessionStatus {
  const { key, address, localAddress, interface: interfaceName, multihop } = session.config;
  const { verdict, sinceUnixMs, info, localDiscriminator, polling, flaps, counters } = session;
  return {
    key,
    address,
    localAddress,
    interface: interfaceName,
    multihop,
    state: bfdStateNames[session.state],
    verdict,
    sinceUnixMs,
    diagnostic: diagnosticOf(session.diagnostic),
    info,
    localDiscriminator,
    transmitIntervalMs: milliseconds(session.transmitIntervalUs),
    detectionTimeMs: milliseconds(session.detectionTimeUs),
    polling,
    remote: session.remote === undefined ? undefined : remoteOf(session.remote),
    flaps,
    counters,
  };
}

function remoteOf(packet: ControlPacket): BfdRemote {
  return {
    discriminator: packet.myDiscriminator,
    state: bfdStateNames[packet.state],
    diagnostic: diagnosticOf(packet.diagnostic),
    minTxMs: packet.desiredMinTxUs / 1000,
    minRxMs: packet.requiredMinRxUs / 1000,
    multiplier: packet.detectMultiplier,
    controlPlaneIndependent: packet.controlPlaneIndependent,
  };
}

function diagnosticOf(code: number): { readonly code: number; readonly words: string } {
  return { code, words: describeDiagnostic(code) };
}

function milliseconds(microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : microseconds / 1000;
}
