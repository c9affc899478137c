/** Who takes part in which row: speakers where they can do the work, `ip -batch` where routes go to the kernel. */
import type { Daemons } from '../daemons/programs.js';
import { bird2 } from './bird2.js';
import type { Contender, ContenderName } from './contender.js';
import { frr } from './frr.js';
import { gobgp } from './gobgp.js';
import { measureDriver, measureIpBatch } from './kernel-routes.js';
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
    takesPart: ({ kind }) =>
      kind === 'driver' ? contender.name === 'margay' : kind !== 'kernel' || contender.writesKernel,
    measure: (network, { work }, profileFile) =>
      work.kind === 'driver'
        ? measureDriver(network, work.prefixes)
        : measure({ network, contender, work, profileFile }),
  };
}

const ipBatch: Entrant = {
  name: 'ip-batch',
  takesPart: ({ kind }) => kind === 'kernel' || kind === 'driver',
  measure: (network, row) => measureIpBatch(network, row.work.prefixes),
};
