/** This host's addresses, and what becomes of them where another node has one, too (pure). */
import { type AddressFamily, type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import type { NodeAddressChoice } from '../node-address.js';
import type { AddressVerdict } from './address-guard.js';
import { takenWords } from './standing.js';

export type OwnAddresses = Readonly<Partial<Record<AddressFamily, IpAddress>>>;

type Choices = Readonly<Record<AddressFamily, NodeAddressChoice>>;

/** Without lengths; of families that it has. */
export function addressesOf(choices: Choices): OwnAddresses {
  const [ipv4, ipv6] = [addressOf(choices.ipv4), addressOf(choices.ipv6)];
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}

/** That without which there is nothing to announce. */
export function announcedFamily({ ipv4, ipv6 }: OwnAddresses): AddressFamily | undefined {
  if (ipv4 !== undefined) return 'ipv4';
  return ipv6 === undefined ? undefined : 'ipv6';
}

/** What was chosen, if no other host is in the way. */
export function withheldChoice(
  choices: Choices,
  family: AddressFamily,
  verdictOf: (address: IpAddress) => AddressVerdict,
): NodeAddressChoice {
  const address = addressOf(choices[family]);
  const words = address === undefined ? undefined : takenWords(address, verdictOf(address));
  return words === undefined ? choices[family] : { kind: 'withheld', reason: words };
}

function addressOf(choice: NodeAddressChoice): IpAddress | undefined {
  return choice.kind === 'chosen' ? parseIpAddress(choice.address.split('/')[0]!) : undefined;
}
