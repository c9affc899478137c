/** The ways between hosts: how the pods' pool asks for each and which device routes show then. */
import type { TunnelKind } from '../ipip/desired.js';
import type { Lab } from './lab.js';

export type Mode = 'plain' | TunnelKind;
export type When = 'Always' | 'CrossSubnet';

export const devices: Readonly<Record<Mode, string>> = {
  plain: 'eth0',
  ipip: 'margay.ipip',
  vxlan: 'margay.vxlan',
  'vxlan-v6': 'margay.vxlan-v6',
  udp: 'margay.udp',
};

export interface PoolMode {
  readonly spec: object;
  readonly annotations: object;
}

export function poolMode(mode: Mode, when: When): PoolMode {
  return {
    spec: {
      ipipMode: mode === 'ipip' ? when : 'Never',
      vxlanMode: mode === 'vxlan' ? when : 'Never',
    },
    annotations: mode === 'udp' ? { 'margay.io/udpMode': when } : {},
  };
}

/** For all hosts, by one of them. */
export function setMode(lab: Lab, mode: Mode, when: When = 'Always'): Promise<void> {
  const { spec, annotations } = poolMode(mode, when);
  return lab.setPool(spec, annotations);
}
