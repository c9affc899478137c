/** Probes one way and says what is wrong with it. Decides which probe comes next, and leaves the probing to its port. */

import { addressFamily, type IpAddress, type PerFamily } from '../../core/ip-address.js';
import { type CheckWords, describeFinding, type Finding, findingOf, type PathOutcomes } from './diagnosis.js';
import type { Path, PathTodo } from './paths.js';
import { type Outcome, type Prober, SMALL_BYTES } from './probe.js';
import { SizeSearch } from './size-search.js';

export interface PathResult {
  readonly path: Path;
  /** Undefined where nothing was sent. */
  readonly outcomes: PathOutcomes | undefined;
  readonly finding: Finding | undefined;
  /** "" if there is neither a finding nor a remark. */
  readonly words: string;
}

export interface CheckOptions {
  readonly prober: Prober;
  /** The node's addresses of this host. */
  readonly addresses: PerFamily<IpAddress>;
  readonly words: CheckWords;
  /** Ends the check early; what it returns then means nothing. */
  readonly signal: AbortSignal;
}

const PATIENCE_SECONDS = 2;
/** Where it is known already that the host answers. */
const SEARCH_PATIENCE_SECONDS = 1;

/** @throws where no probe can be made on this host, with words for people */
export async function checkPath(path: Path, options: CheckOptions): Promise<PathResult> {
  const { todo } = path;
  switch (todo.kind) {
    case 'probe': {
      const outcomes = await probePath(path, todo, options);
      return result(path, outcomes, findingOf(outcomes), options);
    }
    case 'no-route': {
      // Most often its session is down, because the host is.
      const outcome = await ping(options, ownAddress(path, options), path.address);
      const outcomes = {
        underlay: outcome,
        small: outcome,
        full: outcome,
        outward: outcome,
        largestBytes: undefined,
      };
      return result(path, outcomes, outcome.kind === 'answered' ? 'no-route' : 'host-silent', options);
    }
    case 'refused':
    case 'no-address':
      return result(path, undefined, todo.kind, options);
    case 'other-pool':
      return { path, outcomes: undefined, finding: undefined, words: todo.why };
  }
}

/** Where it has none of the family, nothing is sent: ping says so. */
function ownAddress({ address }: Path, { addresses }: CheckOptions): IpAddress {
  return addresses[addressFamily(address)] ?? address;
}

function result(
  path: Path,
  outcomes: PathOutcomes | undefined,
  finding: Finding | undefined,
  { words }: CheckOptions,
): PathResult {
  const text = finding === undefined ? '' : describeFinding(finding, path, outcomes, words);
  return { path, outcomes, finding, words: text };
}

/** All at once: a way on which everything is lost takes no longer than one lost packet. */
async function probePath(
  path: Path,
  { from, to, fullBytes }: PathTodo & { kind: 'probe' },
  options: CheckOptions,
): Promise<PathOutcomes> {
  const { address, mode } = path;
  const own = ownAddress(path, options);
  const small = ping(options, from, to);
  const [smallOutcome, full, underlay, outward] = await Promise.all([
    small,
    ping(options, from, to, fullBytes),
    mode === 'none' ? small : ping(options, own, address),
    from === own ? small : ping(options, own, to),
  ]);
  const passes = smallOutcome.kind === 'answered' && full.kind !== 'answered' && full.kind !== 'not-sent';
  const largestBytes = passes ? await largestOf(from, to, fullBytes, full, options) : undefined;
  return { underlay, small: smallOutcome, full, outward, largestBytes };
}

async function largestOf(
  from: IpAddress,
  to: IpAddress,
  fullBytes: number,
  full: Outcome,
  options: CheckOptions,
): Promise<number> {
  const search = new SizeSearch(SMALL_BYTES, fullBytes);
  search.tell(fullBytes, full);
  for (let bytes = search.next(); bytes !== undefined && !options.signal.aborted; bytes = search.next()) {
    search.tell(bytes, await ping(options, from, to, bytes, SEARCH_PATIENCE_SECONDS));
  }
  return search.largest;
}

function ping(
  { prober, signal }: CheckOptions,
  from: IpAddress,
  to: IpAddress,
  bytes = SMALL_BYTES,
  patienceSeconds = PATIENCE_SECONDS,
): Promise<Outcome> {
  return prober.probe({ from, to, bytes, patienceSeconds }, signal);
}
