/**
 * The mangle table: policy before DNAT; what processes of the host send and DNAT has turned elsewhere, judged once its interface is known;
 * the greatest segment of what goes through a tunnel; and the guard of `failClosedForwarding`.
 *
 * The guard: FORWARD of mangle comes before FORWARD of filter and marks each packet as unjudged; our chain in filter takes the mark away at
 * its end; POSTROUTING, which comes after both, drops what still has it. So it does not matter whether somebody empties the filter table, or
 * any chain of ours in it: nothing is forwarded that our rules have not seen. Without the mangle table nothing is marked, and the rules in filter
 * go on by themselves; only who empties both opens the host. What our rules have nothing to say about is judged as well, and goes on. When it is
 * switched on, filter has to be written before mangle, and after it when it is switched off.
 */
import type { RenderedRule } from '../rendered.js';
import { addEarlyChains, addHostChains } from './host-chains.js';
import { isMarked, isUnmarked, mark, unmark } from './marks.js';
import { KNOWN_CONNECTION, protocolMatch, rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';
import { tunnelRules } from './tunnel-rules.js';

export function addMangleChains(builder: TableBuilder): void {
  const place = builder.settings.hooks === 'insert' ? 'first' : 'last';
  builder.addTopChain('PREROUTING', place, beforeDnat(builder));
  // The guard, and what others may accept before it, must not depend on where others stand.
  builder.addTopChain('FORWARD', 'first', [...unjudged(builder), ...clampedSegments(builder)]);
  builder.addTopChain('POSTROUTING', 'first', [...dropUnjudged(builder), ...afterDnat(builder)]);
}

function beforeDnat(builder: TableBuilder): (RenderedRule | undefined)[] {
  const { marks, settings } = builder;
  const chain = addEarlyChains(builder, 'ingress', 'preDnat');
  if (chain === undefined) return [];
  return [
    rule([KNOWN_CONNECTION, '-j RETURN']),
    rule([isUnmarked(marks.accept), `-j ${chain}`]),
    settings.allowed.mangle === 'accept' ? rule([isMarked(marks.accept), '-j ACCEPT'], 'allowed') : undefined,
  ];
}

/** In OUTPUT of filter the interface is still that of the address before DNAT. Forwarded packets are from addresses of others. */
function afterDnat(builder: TableBuilder): RenderedRule[] {
  const chain = addHostChains(builder, 'egress');
  if (chain === undefined) return [];
  const turned = '-m conntrack --ctstate DNAT -m addrtype --src-type LOCAL';
  return [
    ...builder.settings.workloadInterfacePrefixes.map(prefix => rule([`-o ${prefix}+`, '-j RETURN'])),
    ...tunnelRules(builder, 'dst', '-j RETURN'),
    rule([turned, unmark(builder.marks.accept)]),
    rule([turned, `-j ${chain}`]),
  ];
}

function unjudged({ settings, marks }: TableBuilder): RenderedRule[] {
  return settings.failClosedForwarding ? [rule([mark(marks.unjudged)], 'failClosedForwarding')] : [];
}

function dropUnjudged({ settings, marks }: TableBuilder): RenderedRule[] {
  if (!settings.failClosedForwarding) return [];
  return [rule([isMarked(marks.unjudged), '-j DROP'], 'failClosedForwarding')];
}

/** Octets of headers without options: IP and TCP. */
const HEADERS = { ipv4: 20 + 20, ipv6: 40 + 20 } as const;

/** Both ways: the other end may route its packets through another tunnel. It is never made greater. */
function clampedSegments({ settings, family }: TableBuilder): RenderedRule[] {
  return settings.tunnels.flatMap(({ device, mtu }) =>
    ['-o', '-i'].map(flag =>
      rule([
        `${flag} ${device}`,
        protocolMatch(6),
        '-m tcp --tcp-flags SYN,RST SYN',
        `-j TCPMSS --set-mss ${mtu - HEADERS[family]}`,
      ]),
    ),
  );
}
