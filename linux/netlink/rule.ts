/** Policy routing rules on rtnetlink, pure (linux/fib_rules.h, struct fib_rule_hdr: 12 octets and flags). */
import { AddressFamilyNumber, RULE_TO_TABLE, RuleAttribute } from './constants.js';
import { eachAttribute, type Message, type MessageWriter, readU32 } from './message.js';

/** A rule that looks a table up, by firewall mark or for everything. */
export interface Rule {
  readonly family: 'ipv4' | 'ipv6';
  readonly priority: number;
  readonly table: number;
  readonly mark: number;
  readonly mask: number;
  /** FRA_*: 1 is "look the table up". */
  readonly action: number;
}

/** The payload of RTM_GETRULE for a dump of one family. */
export function writeRuleDump(writer: MessageWriter, family: 'ipv4' | 'ipv6'): void {
  writer.u8(family === 'ipv4' ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6);
  writer.u8(0).u16(0).u32(0).u32(0);
}

/** The payload of RTM_NEWRULE and RTM_DELRULE. */
export function writeRule(writer: MessageWriter, rule: Rule): void {
  writer
    .u8(rule.family === 'ipv4' ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6)
    .u8(0)
    .u8(0)
    .u8(0)
    .u8(rule.table > 255 ? 0 : rule.table)
    .u8(0)
    .u8(0)
    .u8(RULE_TO_TABLE)
    .u32(0)
    .attributeU32(RuleAttribute.priority, rule.priority)
    .attributeU32(RuleAttribute.table, rule.table);
  if (rule.mark !== 0)
    writer.attributeU32(RuleAttribute.mark, rule.mark).attributeU32(RuleAttribute.mask, rule.mask);
}

/** From RTM_NEWRULE or RTM_DELRULE. */
export function parseRule({ bytes, start, end }: Message): Rule {
  let [priority, mark, mask] = [0, 0, 0];
  let table = bytes[start + 4]!;
  eachAttribute(bytes, start + 12, end, (type, from) => {
    if (type === RuleAttribute.priority) priority = readU32(bytes, from);
    else if (type === RuleAttribute.table) table = readU32(bytes, from);
    else if (type === RuleAttribute.mark) mark = readU32(bytes, from);
    else if (type === RuleAttribute.mask) mask = readU32(bytes, from);
  });
  const family = bytes[start] === AddressFamilyNumber.ipv6 ? 'ipv6' : 'ipv4';
  return { family, priority, table, mark, mask, action: bytes[start + 7]! };
}
