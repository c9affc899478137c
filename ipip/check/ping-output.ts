/** What `ping` of iputils says, in English (pure). */
import type { Outcome } from './probe.js';

/** @param output of both streams */
export function readPing(output: string): Outcome {
  const rtt = / time[=<]([\d.]+) ms/.exec(output)?.[1];
  if (rtt !== undefined) return { kind: 'answered', rttMs: Number(rtt) };
  // "local error: message too long, mtu=1450", "Frag needed and DF set (mtu = 1400)", "Packet too big: mtu=1400"
  const mtu = /\bmtu ?[=:] ?(\d+)/i.exec(output)?.[1];
  if (mtu !== undefined && Number(mtu) > 0) return { kind: 'too-big', mtu: Number(mtu) };
  const [, who, what] = /^From (\S+?):? icmp_seq=\d+ (.+)$/m.exec(output) ?? [];
  if (who !== undefined) return { kind: 'rejected', detail: `${who} says "${what}"` };
  const complaint = /^\S*ping: (.+)$/m.exec(output)?.[1];
  if (complaint !== undefined) return { kind: 'not-sent', detail: complaint };
  return { kind: 'silent' };
}
