import test from 'ava';
import { ConflictsCalculator } from '../../../agent/calculators/conflicts.js';
import { prefixesOverlap } from '../../../core/prefix.js';
import { block, node, pool, type State } from '../documents.js';
import { runStateSequence } from './state-sequence.js';

/** Every pair, without indexes. */
function twin(state: State): string[] {
  const found: string[] = [];
  const pools = state.flatMap(resource =>
    resource.kind === 'IPPool' && !resource.spec.disabled ? [resource] : [],
  );
  const nodes = state.flatMap(resource => (resource.kind === 'Node' ? [resource] : []));
  const blocks = state.flatMap(resource =>
    resource.kind === 'BlockAffinity' && resource.spec.state === 'confirmed' ? [resource] : [],
  );
  const addressOf = (one: (typeof nodes)[number]) => one.spec.bgp?.ipv4Address?.split('/')[0];
  for (const address of new Set(nodes.map(addressOf))) {
    const same = nodes.filter(one => address !== undefined && addressOf(one) === address);
    const names = same.map(one => `Node/${one.metadata.name}`).sort();
    if (names.length > 1) found.push(['duplicate-address', ...names].join(' '));
  }
  for (const a of blocks) {
    if (!nodes.some(one => one.metadata.name === a.spec.node)) {
      found.push(`orphan-block BlockAffinity/${a.metadata.name}`);
    }
    for (const b of blocks) {
      if (a.metadata.name >= b.metadata.name || a.spec.node === b.spec.node) continue;
      if (prefixesOverlap(a.spec.cidr, b.spec.cidr)) {
        found.push(['overlap', `${a.metadata.name}`, `${b.metadata.name}`].sort().join(' '));
      }
    }
  }
  for (const a of pools) {
    for (const b of pools) {
      if (a.metadata.name >= b.metadata.name || !prefixesOverlap(a.spec.cidr, b.spec.cidr)) continue;
      found.push(`overlapping-pools IPPool/${b.metadata.name} IPPool/${a.metadata.name}`);
    }
  }
  return found.sort();
}

const normalised = (keys: readonly string[]) =>
  keys
    .map(key =>
      key.startsWith('overlapping-blocks')
        ? ['overlap', ...key.replaceAll('BlockAffinity/', '').split(' ').slice(1)].sort().join(' ')
        : key,
    )
    .sort();

test('the same address twice, overlapping blocks and blocks of nobody are named; own overlaps are not', t => {
  const calculator = new ConflictsCalculator();
  const documents = [
    node('a', '10.0.0.1/24'),
    node('b', '10.0.0.1/16'),
    node('c', '10.0.0.3/24'),
    block('a', '10.244.0.0/16'),
    block('a', '10.244.1.0/26'),
    block('c', '10.244.1.0/24'),
    block('c', '10.245.1.0/24', 'pending'),
    block('nobody', '10.246.0.0/24'),
  ];
  for (const resource of documents) calculator.onChange({ kind: 'changed', resource });
  t.deepEqual(
    calculator.flush().map(({ key, severity }) => [severity, key]),
    [
      ['error', 'duplicate-address Node/a Node/b'],
      ['warning', 'orphan-block BlockAffinity/nobody-10-246-0-0-24'],
      ['error', 'overlapping-blocks BlockAffinity/a-10-244-0-0-16 BlockAffinity/c-10-244-1-0-24'],
      ['error', 'overlapping-blocks BlockAffinity/c-10-244-1-0-24 BlockAffinity/a-10-244-1-0-26'],
    ],
  );
});

test('of pools that overlap those are named that give no addresses; disabled ones do not count', t => {
  const calculator = new ConflictsCalculator();
  const off = pool('off', '10.0.0.0/8');
  const documents = [
    pool('b', '10.244.0.0/16'),
    pool('a', '10.244.0.0/20'),
    pool('c', '10.244.128.0/20'),
    pool('v6', 'fd00::/48'),
    { ...off, spec: { ...off.spec, disabled: true } },
  ];
  for (const resource of documents) calculator.onChange({ kind: 'changed', resource });
  t.deepEqual(
    calculator.flush().map(({ severity, message }) => [severity, message]),
    [
      [
        'warning',
        'pool b (10.244.0.0/16) overlaps pool a (10.244.0.0/20), which comes first by name: no more addresses are given out of b',
      ],
      [
        'warning',
        'pool c (10.244.128.0/20) overlaps pool b (10.244.0.0/16), which comes first by name: no more addresses are given out of c',
      ],
    ],
  );
});

test('state sequences agree with the whole-snapshot twin', t => {
  const states: State[] = [
    [
      node('a', '10.0.0.1/24'),
      node('b', '10.0.0.2/24'),
      block('a', '10.244.1.0/26'),
      block('b', '10.244.1.0/26'),
    ],
    [node('a', '10.0.0.1/24'), node('b', '10.0.0.1/24'), block('a', '10.244.1.0/26')],
    [
      node('a', '10.0.0.1/24'),
      block('a', '10.244.0.0/16'),
      block('b', '10.244.1.0/26'),
      block('b', '10.0.0.0/8'),
      pool('wide', '10.244.0.0/16'),
      pool('narrow', '10.244.0.0/20'),
    ],
    [pool('wide', '10.244.0.0/16'), pool('narrow', '10.245.0.0/20'), pool('other', '10.244.240.0/20')],
    [node('a'), block('a', '10.244.0.0/16'), block('b', '10.244.1.0/26', 'pendingDeletion')],
  ];
  const create = () => {
    const calculator = new ConflictsCalculator();
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => normalised(calculator.flush().map(({ key }) => key)),
    };
  };
  runStateSequence(t, states, create, twin);
});
