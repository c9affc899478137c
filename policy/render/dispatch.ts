/**
 * From the interface of a packet to the chain of its endpoint: a tree by the letters of the names, so that hundreds of interfaces cost a
 * packet some ten rules. Leaves are entered by `-g`: where they return, the packet goes on after the jump into the tree.
 */
import type { RenderedRule } from '../rendered.js';
import { CHAIN_PREFIX } from '../rendered.js';
import { chainName } from './names.js';
import { rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

export interface Leaf {
  readonly interfaceName: string;
  /** Of its packets: `-g CHAIN`, or another target. */
  readonly target: string;
}

/** More than these are split by their next letter. */
const MOST_LEAVES = 8;

/**
 * @param kind of the chains, e.g. "from-wl"
 * @param otherwise for interfaces that are no leaf
 * @returns the name of the chain to enter
 */
export function addDispatch(
  builder: TableBuilder,
  kind: string,
  flag: '-i' | '-o',
  leaves: readonly Leaf[],
  otherwise: readonly RenderedRule[],
): string {
  const usable = leaves.filter(({ interfaceName }) => isInterfaceName(interfaceName));
  const sorted = usable.toSorted((a, b) => (a.interfaceName < b.interfaceName ? -1 : 1));
  return addLevel(`${CHAIN_PREFIX}${kind}`, sorted);

  function addLevel(name: string, of: readonly Leaf[]): string {
    const rules = of.length <= MOST_LEAVES ? of.map(leafRule) : split(of);
    return builder.addChain(name, [], [...rules, ...otherwise]);
  }

  function split(of: readonly Leaf[]): RenderedRule[] {
    const shared = commonPrefix(of).length;
    const bins = new Map<string, Leaf[]>();
    for (const leaf of of) {
      const prefix = leaf.interfaceName.slice(0, shared + 1);
      bins.set(prefix, [...(bins.get(prefix) ?? []), leaf]);
    }
    return [...bins].map(([prefix, within]) => {
      // A name that ends where the others go on is alone, and stands first.
      if (within.length === 1) return leafRule(within[0]!);
      const name = addLevel(chainName(`${kind}.`, prefix), within);
      return rule([`${flag} ${prefix}+ -g ${name}`]);
    });
  }

  function leafRule({ interfaceName, target }: Leaf): RenderedRule {
    return rule([`${flag} ${interfaceName} ${target}`]);
  }
}

function commonPrefix(sorted: readonly Leaf[]): string {
  const first = sorted[0]!.interfaceName;
  const last = sorted.at(-1)!.interfaceName;
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}

/** Others cannot be said to iptables: it takes a plus sign at the end for a pattern, and quotes for quotes. They are unknown interfaces. */
function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.:@=~^-]{1,15}$/.test(name) && !name.startsWith('-');
}
