/** SHELL: network namespaces and what joins them, and pods as Calico wires them. */
import { execFileSync } from 'node:child_process';
import type { LabHost, Pod } from './host-lab.js';

const GATEWAY = '169.254.1.1';
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';
const IPV6_GATEWAY = 'fe80::ecee:eeff:feee:eeee';

/** A veth pair, a /32 in the pod, a gateway that answers by a fixed hardware address. */
export function wirePod(host: LabHost, pod: Pod, interfaceName: string, dualStack: boolean): void {
  ip(['netns', 'add', pod.namespace]);
  batch(host.namespace, [
    `link add ${interfaceName} address ${GATEWAY_MAC} type veth peer name eth0 netns ${pod.namespace}`,
    `link set ${interfaceName} up`,
  ]);
  batch(pod.namespace, [
    'link set lo up',
    'link set eth0 up',
    `address add ${pod.address}/32 dev eth0`,
    `route add ${GATEWAY} dev eth0 scope link`,
    `route add default via ${GATEWAY} dev eth0`,
    `neigh add ${GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`,
  ]);
  if (!dualStack) return;
  batch(pod.namespace, [
    `address add ${pod.ipv6Address}/128 dev eth0 nodad`,
    `route add ::/0 via ${IPV6_GATEWAY} dev eth0`,
    `neigh add ${IPV6_GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`,
  ]);
}

export function ip(words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export function inside(namespace: string, ...words: readonly string[]): void {
  execFileSync('ip', ['netns', 'exec', namespace, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export function batch(namespace: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}
