/**
 * The documents of address management: Calico's `IPAMConfiguration` and `IPReservation`, and the records that agents keep of blocks and
 * handles (margay.io/v1).
 */
import { z } from 'zod';
import { flag, ipAddress, optional, prefix, prefixes, text, wholeNumber } from './fields.js';

/** Of one host, where nothing else is said. */
const USUAL_MAX_BLOCKS = 20;

export const ipamConfigurationSpec = z
  .strictObject({
    strictAffinity: optional(flag).transform(value => value ?? false),
    maxBlocksPerHost: optional(wholeNumber(0, 65535)).transform(value => value || USUAL_MAX_BLOCKS),
    autoAllocateBlocks: optional(flag).transform(value => value ?? true),
    ipCooldownSeconds: optional(wholeNumber(0, 1200)).transform(value => value ?? 0),
  })
  .superRefine((spec, context) => {
    if (spec.strictAffinity || spec.autoAllocateBlocks) return;
    const message = 'allowed without strictAffinity: hosts would borrow from blocks that nobody claims';
    context.addIssue({ code: 'custom', path: ['autoAllocateBlocks'], message });
  });

export const ipReservationSpec = z.strictObject({
  reservedCIDRs: z.array(prefix, 'a list of prefixes such as 10.244.0.0/30'),
});

const when = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export const ipamBlockSpec = z.strictObject({
  cidr: prefix,
  node: optional(text),
  claimedUnixMs: optional(when),
  claim: optional(count).transform(value => value ?? 0),
  claimAfter: optional(count).transform(value => value ?? 0),
  sequence: count,
  allocations: z.array(
    z.strictObject({
      address: ipAddress,
      handle: text,
      node: text,
      sequence: count,
      after: optional(count).transform(value => value ?? 0),
      allocatedUnixMs: when,
      attributes: optional(z.record(z.string(), text)).transform(value => value ?? {}),
    }),
    'a list of { address, handle, node, sequence, after, allocatedUnixMs, attributes }',
  ),
  released: z.array(
    z.strictObject({
      address: ipAddress,
      sequence: optional(count).transform(value => value ?? 0),
      releasedUnixMs: when,
    }),
    'a list of { address, sequence, releasedUnixMs }',
  ),
});

export const ipamHandleSpec = z.strictObject({
  handle: text,
  blocks: prefixes,
});
