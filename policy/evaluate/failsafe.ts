/** Failsafe ports, as the evaluator sees them. */
import { prefixContainsAddress } from '../../core/prefix.js';
import type { Direction, Packet } from '../model.js';
import type { Failsafe, FilterSettings } from '../settings.js';

/** A packet to a port of the host that stays open, or from the host to one elsewhere. */
export function isFailsafe(packet: Packet, { failsafes }: FilterSettings, direction: Direction): boolean {
  const { source, destination, destinationPort, protocol } = packet;
  return direction === 'ingress'
    ? failsafes.inbound.some(one => is(one, protocol, destinationPort) && reaches(one, source))
    : failsafes.outbound.some(one => is(one, protocol, destinationPort) && reaches(one, destination));
}

/** The answer to such a packet: it comes from the port. */
export function isFailsafeReply(
  packet: Packet,
  { failsafes }: FilterSettings,
  direction: Direction,
): boolean {
  const { source, destination, sourcePort, protocol } = packet;
  return direction === 'ingress'
    ? failsafes.outbound.some(one => is(one, protocol, sourcePort) && reaches(one, source))
    : failsafes.inbound.some(one => is(one, protocol, sourcePort) && reaches(one, destination));
}

function is({ protocol, port }: Failsafe, ofPacket: number, portOfPacket: number | undefined): boolean {
  return protocol === ofPacket && port === portOfPacket;
}

function reaches({ net }: Failsafe, address: Packet['source']): boolean {
  return net === undefined || prefixContainsAddress(net, address);
}
