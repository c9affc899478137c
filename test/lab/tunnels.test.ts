/**
 * Tunnels of every kind between agents, in a kernel that has them. Hosts are slow to start here: one lab serves all tests, each of which
 * leaves it as it found it. `MARGAY_RP_FILTERS=0,1,2` changes modes under each of these settings; 1, the strict one, by default.
 */
import test, { type ExecutionContext } from 'ava';
import { logTail, within } from '../../demo/host-lab.js';
import type { Host, Lab } from '../../demo/lab.js';
import { devices, type Mode, setMode, type When } from '../../demo/mode.js';
import { sufferDrifts } from '../support/tunnel-drifts.js';
import {
  captured,
  ip,
  newTunnelLab,
  passes,
  routeTo,
  takes,
  transferred,
  unreachable,
} from '../support/tunnel-lab.js';
import { changeModes, surviveKill } from '../support/tunnel-scenarios.js';
import { takesNewHostAtOnce, turnsStrangersAway } from '../support/tunnel-strangers.js';

const filters = (process.env.MARGAY_RP_FILTERS ?? '1').split(',').map(Number) as (0 | 1 | 2)[];
let lab: Lab;

test.before(async t => {
  t.timeout(300_000);
  lab = await newTunnelLab(t, 'plain', 'Always', { shared: true });
  for (const host of lab.hosts) lab.startUdp(host);
});

test.after.always(() => lab?.close());

async function change(t: ExecutionContext, mode: Mode, when: When = 'Always'): Promise<void> {
  await setMode(lab, mode, when);
  t.true(await takes(lab, mode, when), lab.hosts.map(host => logTail(host)).join('\n'));
}

/** Octets that an encapsulated packet of full size holds, on an underlay of 1500. */
const fullSize = { ipip: 1480, vxlan: 1450, udp: 1472 } as const;

for (const mode of ['ipip', 'vxlan', 'udp'] as const) {
  test.serial(
    `${mode} across subnets, plainly inside them, at once; full-size packets pass, and TCP`,
    async t => {
      t.timeout(300_000);
      await change(t, mode, 'CrossSubnet');
      const [a, , c] = lab.hosts as [Host, Host, Host];
      const seen = await captured(a, async () => t.deepEqual(await unreachable(lab), []));
      t.log(JSON.stringify(seen));
      t.true(seen[mode] > 0 && seen.plain > 0);
      t.is(seen[mode] + seen.plain, seen.ipip + seen.vxlan + seen.udp + seen.plain);
      t.true(routeTo(lab, a, c).includes(`dev ${devices[mode]} `));
      t.regex(routeTo(lab, a, c), new RegExp(`src 10\\.244\\.1\\.0 .*onlink mtu ${fullSize[mode]}`));
      const [from, to] = [a.pods[0]!, c.pods[0]!];
      t.true(await passes(from, to, 1400));
      t.true(await passes(from, to, fullSize[mode]));
      t.false(await passes(from, to, fullSize[mode] + 1));
      t.is(await transferred(from, to, 1_000_000), 1_000_000);
    },
  );
}

test.serial(
  'Never, IPIP, VXLAN, Never with hosts that learn of it seconds apart: hardly a ping is lost',
  async t => {
    t.timeout(300_000 * filters.length);
    await change(t, 'plain');
    await changeModes(t, lab, ['ipip', 'vxlan', 'plain'], filters);
  },
);

test.serial('killed with -9 and started again under IPIP: no ping is lost, nothing is written', async t => {
  t.timeout(300_000);
  await change(t, 'ipip');
  // What nobody wants any more has gone by then.
  t.true(
    await within(20_000, () =>
      lab.hosts.every(host => !/margay\.(vxlan|udp)/.test(ip(host.namespace, '-o link'))),
    ),
  );
  await surviveKill(t, lab, lab.hosts[1]!);
});

test.serial(
  'whatever becomes of an IPIP device, its routes and what it travels on, it is put right',
  async t => {
    t.timeout(300_000);
    await change(t, 'ipip');
    await sufferDrifts(t, lab, devices.ipip);
  },
);

test.serial(
  'IPIP packets of a stranger never reach a pod; those of a new host do from the first one on',
  async t => {
    t.timeout(300_000);
    await change(t, 'ipip');
    await turnsStrangersAway(t, lab, 'ipip');
    await takesNewHostAtOnce(t, lab, devices.ipip);
  },
);
