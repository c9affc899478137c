/** A host with two workloads and an outside, and an agent that enforces policy on it. */
import type { ExecutionContext } from 'ava';
import type { IpAddress } from '../../../core/ip-address.js';
import { PacketLab } from '../policy/packet-lab.js';
import { Protocol } from '../policy/packets.js';
import { PolicyAgent } from './policy-agent.js';

const ip = (text: string) => text as IpAddress;

export class PolicyHost extends PolicyAgent {
  readonly lab: PacketLab;

  constructor(t: ExecutionContext) {
    const lab = new PacketLab(t, [
      { name: 'cali1', neighbours: [ip('10.65.0.1')] },
      { name: 'cali2', neighbours: [ip('10.65.0.2')] },
      { name: 'eth0', neighbours: [ip('192.0.2.9')], addresses: ['192.0.2.1/24'] },
    ]);
    super(t, lab.host);
    this.lab = lab;
    // Routes of workloads are the agent's business here.
    for (const number of [1, 2]) lab.host.ip(`route del 10.65.0.${number} dev cali${number}`);
  }

  /** Whether a connection from one end to the other may begin. */
  async connects(from: number | 'outside', to: number | 'outside', destinationPort = 80): Promise<boolean> {
    await this.lab.forgetConnections();
    const address = (end: number | 'outside') => ip(end === 'outside' ? '192.0.2.9' : `10.65.0.${end}`);
    const name = (end: number | 'outside') => (end === 'outside' ? 'eth0' : `cali${end}`);
    const packet = {
      source: address(from),
      destination: address(to),
      protocol: Protocol.tcp,
      sourcePort: 40_000,
      destinationPort,
    };
    return (await this.lab.pass([{ packet, from: name(from) }]))[0]!.includes(name(to));
  }
}
