/** The daemons that every scenario meets. Their packages are unpacked on first use. */
import { loadDaemons } from '../../../../bench/daemons/programs.js';
import { bird2 } from './bird2.js';
import { frr } from './frr.js';
import { gobgp } from './gobgp.js';
import type { InteropPeer } from './interop-peer.js';

const daemons = await loadDaemons();

export const everyPeer: readonly InteropPeer[] = [bird2(daemons), frr(daemons), gobgp(daemons)];
