import test from 'ava';
import { ControlFailure } from '../../../agent/control/backend.js';
import { parseAssign, parseRelease } from '../../../agent/control/ipam-requests.js';
import { parseRequest } from '../../../agent/control/requests.js';

/** Which field is refused; "": none. */
function refused(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    if (!(error instanceof ControlFailure)) throw error;
    return `${error.status} ${error.problem.field}`;
  }
}

test('the paths of address management', t => {
  t.deepEqual(parseRequest('GET', '/v1/ipam'), { kind: 'ipam-show' });
  t.deepEqual(parseRequest('GET', '/v1/ipam/check'), { kind: 'ipam-check' });
  t.deepEqual(parseRequest('GET', '/v1/ipam/addresses'), { kind: 'ipam-addresses' });
  t.deepEqual(parseRequest('GET', '/v1/ipam/addresses/fd00%3A0%3A%3A1'), {
    kind: 'ipam-address',
    address: 'fd00::1' as never,
  });
  t.deepEqual(parseRequest('POST', '/v1/ipam/assign'), { kind: 'ipam-assign' });
  t.deepEqual(parseRequest('POST', '/v1/ipam/release'), { kind: 'ipam-release' });
  t.is(
    refused(() => parseRequest('DELETE', '/v1/ipam')),
    '405 method',
  );
  t.is(
    refused(() => parseRequest('GET', '/v1/ipam/assign')),
    '405 method',
  );
  t.is(
    refused(() => parseRequest('GET', '/v1/ipam/nothing')),
    '404 path',
  );
  t.is(
    refused(() => parseRequest('GET', '/v1/ipam/addresses/10.0.0')),
    '400 address',
  );
});

test('what is asked for an assignment', t => {
  t.deepEqual(parseAssign({ handle: 'h', ipv6: 2, address: '10.0.0.1', pools: ['p'], node: 'n' }), {
    handle: 'h',
    node: 'n',
    ipv6: 2,
    address: '10.0.0.1',
    pools: ['p'],
    attributes: {},
  });
  for (const [body, field] of [
    [null, 'body'],
    [[], 'body'],
    [{}, 'handle'],
    [{ handle: '' }, 'handle'],
    [{ handle: 'a\nb' }, 'handle'],
    [{ handle: 'h'.repeat(513) }, 'handle'],
    [{ handle: 'h', ipv4: -1 }, 'ipv4'],
    [{ handle: 'h', ipv6: 1.5 }, 'ipv6'],
    [{ handle: 'h', ipv4: 257 }, 'ipv4'],
    [{ handle: 'h', address: '10.0.0' }, 'address'],
    [{ handle: 'h', pools: [] }, 'pools'],
    [{ handle: 'h', pools: [1] }, 'pools'],
    [{ handle: 'h', attributes: { a: 1 } }, 'attributes'],
    [{ handle: 'h', attributes: ['a'] }, 'attributes'],
  ] as const)
    t.is(
      refused(() => parseAssign(body)),
      `400 ${field}`,
      JSON.stringify(body),
    );
});

test('what is asked for a release', t => {
  const releases = [{ handle: 'h' }, { address: 'FD00::1', sequence: 3 }, { attributes: { pod: 'x' } }];
  t.deepEqual(parseRelease({ releases }), {
    releases: [{ handle: 'h' }, { address: 'fd00::1', sequence: 3 }, { attributes: { pod: 'x' } }],
  });
  for (const [body, field] of [
    [{}, 'releases'],
    [{ releases: [{}] }, 'releases'],
    [{ releases: [{ sequence: 3 }] }, 'releases'],
    [{ releases: ['h'] }, 'body'],
    [{ releases: [{ handle: 'h', sequence: 'x' }] }, 'sequence'],
    [{ releases: [{ attributes: {} }] }, 'attributes'],
  ] as const)
    t.is(
      refused(() => parseRelease(body)),
      `400 ${field}`,
      JSON.stringify(body),
    );
});
