/** The `BGPFilter` document's spec: rules on the routes from and to the BGPPeers that name it. The first rule that matches decides. */
import { z } from 'zod';
import type { AddressFamily } from '../ip-address.js';
import { addressBits } from '../ip-address.js';
import { prefixFamily, prefixLength } from '../prefix.js';
import { asNumber, communityValue, oneOf, optional, prefix, text, wholeNumber } from './fields.js';

/** Calico's priorities are metrics of the kernel; LOCAL_PREF has to hold their complement. */
const priority = wholeNumber(1, 2147483646);
const asNumbers = (most: number) =>
  z
    .array(asNumber)
    .min(1, 'a list of at least one AS number')
    .max(most, `a list of at most ${most} AS numbers`);
const oneOperation = 'one operation: addCommunity, prependASPath or setPriority';

const operation = z
  .strictObject(
    {
      addCommunity: optional(z.strictObject({ value: communityValue })),
      prependASPath: optional(z.strictObject({ prefix: asNumbers(10) })),
      setPriority: optional(z.strictObject({ value: priority })),
    },
    oneOperation,
  )
  .refine(given => Object.values(given).filter(value => value !== undefined).length === 1, {
    message: oneOperation,
    when: ({ issues }) => issues.length === 0,
  });

function rule(family: AddressFamily) {
  const most = addressBits(family);
  const length = wholeNumber(0, most);
  return z
    .strictObject({
      action: oneOf(['Accept', 'Reject']),
      cidr: optional(prefix),
      matchOperator: optional(oneOf(['Equal', 'NotEqual', 'In', 'NotIn'])),
      prefixLength: optional(z.strictObject({ min: optional(length), max: optional(length) })),
      source: optional(oneOf(['RemotePeers'])),
      interface: optional(
        text.regex(
          /^[^\s/]{1,15}$/,
          'the name of an interface, of at most 15 characters; "*" stands for any',
        ),
      ),
      peerType: optional(oneOf(['eBGP', 'iBGP'])),
      communities: optional(
        z.strictObject({
          values: z
            .array(communityValue)
            .min(1, 'a list of one community')
            .max(1, 'a list of one community: Calico matches one'),
        }),
      ),
      asPathPrefix: optional(asNumbers(64)),
      priority: optional(priority),
      operations: optional(
        z
          .array(operation)
          .min(1, 'a list of at least one operation')
          .max(10, 'a list of at most 10 operations'),
      ),
    })
    .superRefine((given, context) => {
      const issue = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: [path], message });
      const { cidr, matchOperator, prefixLength: lengths, action, operations } = given;
      if (cidr !== undefined && prefixFamily(cidr) !== family) {
        issue('cidr', `an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} prefix`);
        return;
      }
      if (cidr === undefined && matchOperator !== undefined) issue('cidr', 'there: matchOperator needs it');
      if (cidr !== undefined && matchOperator === undefined) {
        issue('matchOperator', 'there: a cidr needs Equal, NotEqual, In or NotIn');
      }
      if (action === 'Reject' && operations !== undefined) {
        issue('operations', 'allowed beside action Reject: they change what is accepted');
      }
      if (lengths === undefined) return;
      if (cidr === undefined) issue('cidr', 'there: prefixLength needs it');
      else if (matchOperator === 'Equal' || matchOperator === 'NotEqual') {
        issue('prefixLength', `allowed beside ${matchOperator}, which is of the one length of its cidr`);
      } else {
        const least = lengths.min ?? prefixLength(cidr);
        if (least > (lengths.max ?? least))
          issue('prefixLength', `a range: its min ${least} is above its max`);
      }
    });
}

const rules = (family: AddressFamily) => optional(z.array(rule(family), 'a list of rules'));

export const bgpFilterSpec = z.strictObject({
  importV4: rules('ipv4'),
  exportV4: rules('ipv4'),
  importV6: rules('ipv6'),
  exportV6: rules('ipv6'),
});
