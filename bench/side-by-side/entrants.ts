/** Who takes part in which row: speakers where they can do the work, `ip -batch` where routes go to the kernel. */
import { bird2 } from './bird2.js';
import type { Contender, ContenderName } from './contender.js';
import type { Daemons } from './daemons.js';
import { frr } from './frr.js';
import { gobgp } from './gobgp.js';
import { measureIpBatch } from './kernel-routes.js';
import { margay } from './margay.js';
import { measure } from './measure.js';
import type { BenchNetwork } from './network.js';
import type { Row, Sample, Work } from './rows.js';

export interface Entrant {
  readonly name: ContenderName;
  takesPart(work: Work): boolean;
  /** `profileFile`: where Margay's CPU profile goes, if wanted. */
  measure(network: BenchNetwork, row: Row, profileFile: string | undefined): Promise<Sample>;
}

export function entrants(thread: 'main' | 'worker', daemons: Daemons): readonly Entrant[] {
  return [margay(thread), bird2(daemons), frr(daemons), gobgp(daemons)].map(speaker).concat(ipBatch);
}

function speaker(contender: Contender): Entrant {
  return {
    name: contender.name,
    takesPart: work => work.kind !== 'kernel' || contender.writesKernel,
    measure: (network, row, profileFile) => measure({ network, contender, row, profileFile }),
  };
}

const ipBatch: Entrant = {
  name: 'ip-batch',
  takesPart: work => work.kind === 'kernel',
  measure: (network, row) => measureIpBatch(network, row.work.prefixes),
};
