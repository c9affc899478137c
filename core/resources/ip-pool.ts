/** The `IPPool` document's spec, with Calico's defaults. */
import { z } from 'zod';
import { prefixFamily, prefixLength } from '../prefix.js';
import { flag, oneOf, optional, prefix, selector, wholeNumber } from './fields.js';

const mode = oneOf(['Always', 'CrossSubnet', 'Never']);

export const ipPoolSpec = z
  .strictObject({
    cidr: prefix,
    ipipMode: optional(mode).transform(value => value ?? 'Never'),
    vxlanMode: optional(mode).transform(value => value ?? 'Never'),
    natOutgoing: optional(flag).transform(value => value ?? false),
    disabled: optional(flag).transform(value => value ?? false),
    disableBGPExport: optional(flag).transform(value => value ?? false),
    blockSize: optional(wholeNumber(0, 128)),
    nodeSelector: optional(selector).transform(value => value ?? 'all()'),
    namespaceSelector: optional(selector),
    allowedUses: optional(z.array(oneOf(['Workload', 'Tunnel', 'LoadBalancer']))).transform(
      value => value ?? (['Workload', 'Tunnel'] as const),
    ),
    assignmentMode: optional(oneOf(['Automatic', 'Manual'])).transform(value => value ?? 'Automatic'),
  })
  .transform((spec, context) => {
    const ipv6 = prefixFamily(spec.cidr) === 'ipv6';
    const [least, most, usual] = ipv6 ? [116, 128, 122] : [20, 32, 26];
    const blockSize = spec.blockSize ?? usual;
    const issue = (path: string, value: unknown, message: string) =>
      context.issues.push({ code: 'custom', path: [path], input: value, message });
    if (blockSize < least || blockSize > most) {
      issue(
        'blockSize',
        blockSize,
        `a length from ${least} to ${most} for an ${ipv6 ? 'IPv6' : 'IPv4'} pool`,
      );
    } else if (prefixLength(spec.cidr) > blockSize) {
      issue('cidr', spec.cidr, `a pool that holds at least one block of /${blockSize}`);
    }
    if (spec.ipipMode !== 'Never' && spec.vxlanMode !== 'Never') {
      issue('vxlanMode', spec.vxlanMode, `"Never" beside ipipMode ${spec.ipipMode}: one tunnel at a time`);
    }
    if (ipv6 && spec.ipipMode !== 'Never') {
      issue('ipipMode', spec.ipipMode, '"Never": IPIP carries IPv4 only');
    }
    return { ...spec, blockSize };
  });
