/** Margay's applier, in the network namespace whose packet filter it keeps. Says of each step how long it took, and what it ran. */
import { systemClock } from '../../bgp/speaker/system-clock.js';
import type { Prefix } from '../../core/prefix.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import { openIptablesInfo } from '../../linux/iptables-info.js';
import { IpsetHeaders } from '../../linux/netlink/ipset-headers.js';
import { FilterApplier } from '../../policy/apply/applier.js';
import { filterCommands } from '../../policy/apply/commands.js';
import type { FilterKernel } from '../../policy/apply/kernel.js';
import { legacyWatch } from '../../policy/apply/legacy-watch.js';
import { nftablesWatch } from '../../policy/apply/nftables-watch.js';
import { setWatch } from '../../policy/apply/set-watch.js';
import type { HostPolicy } from '../../policy/model.js';
import { renderFilter } from '../../policy/render/render.js';
import { hostWithRules, hostWithSet, settings, withMembers, withPolicyChanged } from './host-policies.js';
import { serve } from './remote.js';

export type ApplierCommand =
  /** Nothing to enforce yet: from here on it only has to write. */
  | { readonly kind: 'start'; readonly backend: Implementation }
  | { readonly kind: 'load-rules'; readonly count: number }
  | { readonly kind: 'change-chain'; readonly number: number }
  | { readonly kind: 'load-set'; readonly members: number }
  | { readonly kind: 'change-set'; readonly added: number; readonly removed: number };

export interface Write {
  readonly what: 'table' | 'sets';
  readonly input: string;
}

export interface Applied {
  /** From the policy to the rendered filter. */
  readonly renderMs: number;
  /** From the rendered filter to one that is in force. */
  readonly applyMs: number;
  /** Of that, commands that write, from their start to their end. */
  readonly commandMs: number;
  readonly writes: readonly Write[];
}

let backend: Implementation = 'nft';
let applier: FilterApplier | undefined;
let host: HostPolicy = hostWithRules(0);
let members = new Set<Prefix>();
let nextMember = 0;
let writes: Write[] = [];
let commandMs = 0;

const commands = filterCommands();
const kernel: FilterKernel = {
  ...commands,
  restoreTable(of, family, input) {
    const pieces: string[] = [];
    const recorded = typeof input === 'string' ? [input] : input;
    return timed('table', pieces, () => commands.restoreTable(of, family, recording(recorded, pieces)));
  },
  restoreSets: input => timed('sets', [input], () => commands.restoreSets(input)),
};

/** @param pieces what it was given, once it is over */
async function timed<T>(what: Write['what'], pieces: readonly string[], run: () => Promise<T>): Promise<T> {
  const before = performance.now();
  const outcome = await run();
  commandMs += performance.now() - before;
  writes.push({ what, input: pieces.join('') });
  return outcome;
}

function* recording(input: Iterable<string>, into: string[]): Generator<string> {
  for (const piece of input) {
    into.push(piece);
    yield piece;
  }
}

async function execute(command: ApplierCommand): Promise<Applied> {
  switch (command.kind) {
    case 'start':
      backend = command.backend;
      applier = newApplier();
      break;
    case 'load-rules':
      host = hostWithRules(command.count);
      break;
    case 'change-chain':
      host = withPolicyChanged(host, 7919 * command.number, command.number);
      break;
    case 'load-set':
      members = new Set();
      grow(command.members);
      host = hostWithSet(members);
      break;
    case 'change-set':
      host = withMembers(host, members, {
        deleted: shrink(command.removed),
        added: grow(command.added),
      });
      break;
  }
  return await apply();
}

async function apply(): Promise<Applied> {
  writes = [];
  commandMs = 0;
  const beganMs = performance.now();
  const filter = renderFilter(host, settings);
  const renderedMs = performance.now();
  applier!.setDesired(filter);
  if (!(await applier!.applied())) throw new Error(JSON.stringify(applier!.status().problems));
  const doneMs = performance.now();
  return { renderMs: renderedMs - beganMs, applyMs: doneMs - renderedMs, commandMs, writes };
}

function newApplier(): FilterApplier {
  return new FilterApplier({
    kernel,
    clock: systemClock,
    backend,
    refreshMs: 90_000,
    watches: {
      nft: nftablesWatch({ kernel }),
      legacy: legacyWatch({ clock: systemClock, open: () => openIptablesInfo() }),
      sets: setWatch({ clock: systemClock, open: () => new IpsetHeaders() }),
    },
    log: (level, message, detail) => process.stderr.write(`${level}: ${message}: ${detail}\n`),
    changed: () => {},
  });
}

/** In place, as the calculator does. */
function grow(count: number): ReadonlySet<Prefix> {
  const added = Array.from({ length: count }, () => {
    const number = nextMember++;
    return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}/32` as Prefix;
  });
  for (const member of added) members.add(member);
  return new Set(added);
}

function shrink(count: number): ReadonlySet<Prefix> {
  const deleted = [...members].slice(0, count);
  for (const member of deleted) members.delete(member);
  return new Set(deleted);
}

serve(execute);
