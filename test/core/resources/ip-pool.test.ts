import test from 'ava';
import { readsAs, refuses } from './written.js';

const defaults = {
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: false,
  disabled: false,
  disableBGPExport: false,
  blockSize: 26,
  nodeSelector: 'all()',
  allowedUses: ['Workload', 'Tunnel'],
  assignmentMode: 'Automatic',
};

test("a pool's defaults are Calico's", t => {
  readsAs(t, 'IPPool', { cidr: '10.244.0.0/16' }, { cidr: '10.244.0.0/16', ...defaults });
  readsAs(t, 'IPPool', { cidr: 'fd00::/48' }, { cidr: 'fd00::/48', ...defaults, blockSize: 122 });
});

test('a pool with everything keeps it', t => {
  readsAs(t, 'IPPool', {
    cidr: '10.0.0.0/8',
    ipipMode: 'CrossSubnet',
    vxlanMode: 'Never',
    natOutgoing: true,
    disabled: true,
    disableBGPExport: true,
    blockSize: 20,
    nodeSelector: "rack == 'a'",
    namespaceSelector: 'has(team)',
    allowedUses: ['LoadBalancer'],
    assignmentMode: 'Manual',
  });
});

test('the bounds of a block', t => {
  for (const [cidr, blockSize] of [
    ['10.0.0.0/8', 20],
    ['10.0.0.0/8', 32],
    ['10.0.0.0/32', 32],
    ['fd00::/116', 116],
    ['fd00::/48', 128],
  ]) {
    readsAs(t, 'IPPool', { cidr, blockSize }, { ...defaults, cidr, blockSize });
  }
  refuses(t, 'IPPool', [
    [{ cidr: '10.0.0.0/8', blockSize: 19 }, 'blockSize', '19', /20 to 32 for an IPv4 pool/],
    [{ cidr: '10.0.0.0/8', blockSize: 33 }, 'blockSize', '33', /20 to 32 for an IPv4 pool/],
    [{ cidr: 'fd00::/48', blockSize: 115 }, 'blockSize', '115', /116 to 128 for an IPv6 pool/],
    [{ cidr: 'fd00::/48', blockSize: 129 }, 'blockSize', '129', /from 0 to 128/],
    [{ cidr: '10.0.0.0/8', blockSize: 26.5 }, 'blockSize', '26.5', /whole number/],
    [{ cidr: '10.0.0.0/8', blockSize: '26' }, 'blockSize', '"26"', /whole number/],
    [{ cidr: '10.0.0.0/27' }, 'cidr', '"10.0.0.0/27"', /at least one block of \/26/],
  ]);
});

test('each wrong value is named with what is allowed', t => {
  const cidr = '10.0.0.0/16';
  refuses(t, 'IPPool', [
    [{}, 'cidr', 'nothing', 'a prefix such as 10.244.0.0/16'],
    [{ cidr: 10 }, 'cidr', '10', 'a prefix such as 10.244.0.0/16'],
    [{ cidr: '10.0.0.0' }, 'cidr', '"10.0.0.0"', 'a prefix such as 10.244.0.0/16'],
    [{ cidr: '10.0.0.0/33' }, 'cidr', '"10.0.0.0/33"', 'a prefix such as 10.244.0.0/16'],
    [{ cidr: '10.0.0.1/16' }, 'cidr', '"10.0.0.1/16"', /without host bits: 10\.0\.0\.0\/16 is/],
    [{ cidr, ipipMode: 'always' }, 'ipipMode', '"always"', 'one of Always, CrossSubnet, Never'],
    [{ cidr, vxlanMode: true }, 'vxlanMode', 'true', 'one of Always, CrossSubnet, Never'],
    [{ cidr, ipipMode: 'Always', vxlanMode: 'Always' }, 'vxlanMode', '"Always"', /one tunnel at a time/],
    [{ cidr: 'fd00::/48', ipipMode: 'Always' }, 'ipipMode', '"Always"', /IPv4 only/],
    [{ cidr, natOutgoing: 'yes' }, 'natOutgoing', '"yes"', 'true or false'],
    [{ cidr, disabled: 1 }, 'disabled', '1', 'true or false'],
    [{ cidr, disableBGPExport: [] }, 'disableBGPExport', '[]', 'true or false'],
    [{ cidr, nodeSelector: 'rack ==' }, 'nodeSelector', '"rack =="', /expected .* at character \d+/],
    [{ cidr, nodeSelector: {} }, 'nodeSelector', '{}', 'a selector'],
    [{ cidr, allowedUses: 'Workload' }, 'allowedUses', '"Workload"', 'a list'],
    [{ cidr, allowedUses: ['Pod'] }, 'allowedUses[0]', '"Pod"', /Workload, Tunnel, LoadBalancer/],
    [{ cidr, assignmentMode: 'None' }, 'assignmentMode', '"None"', 'one of Automatic, Manual'],
  ]);
});
