import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { configurationDocument } from '../../../agent/config/document.js';
import { type ConfigurationSources, loadConfiguration } from '../../../agent/config/load.js';
import { settings } from '../../../agent/config/settings.js';

/** From dist/test/agent/config. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));

function load(sources: Partial<ConfigurationSources> & { readonly yaml?: string } = {}) {
  const { yaml, ...rest } = sources;
  const file = yaml === undefined ? undefined : { name: 'agent.yaml', content: yaml };
  return loadConfiguration({ file, environment: {}, flags: {}, hostName: 'Host-A', ...rest });
}

function problems(configuration: ReturnType<typeof load>): string[] {
  return configuration.kind === 'ok'
    ? []
    : configuration.problems.map(({ place, message }) => `${place}: ${message}`);
}

test('an empty file, or none, is all defaults', t => {
  for (const yaml of [undefined, '', '# nothing\n', 'ipv4:\n']) {
    const configuration = load(yaml === undefined ? {} : { yaml });
    t.is(configuration.kind, 'ok');
    if (configuration.kind === 'ok') {
      t.like(configuration.settings, {
        nodeName: 'host-a',
        ipv4Address: { kind: 'autodetect' },
        ipv6Address: { kind: 'autodetect' },
        routeMetric: 1024,
        acceptForwarding: false,
      });
    }
  }
});

test('a flag wins over the environment, the environment over the file', t => {
  const yaml = 'routes: { metric: 10 }\ndataplane: none\nlog: { level: error }\n';
  const configuration = load({
    yaml,
    environment: { MARGAY_ROUTE_METRIC: '20', MARGAY_DATAPLANE: 'linux' },
    flags: { 'route-metric': '30' },
  });
  t.like(configuration.kind === 'ok' ? configuration.settings : {}, {
    routeMetric: 30,
    dataplane: 'linux',
    logLevel: 'error',
  });
});

test('everything that is wrong is said at once, with its place and what is allowed', t => {
  const yaml = 'dataplane: freebsd\nroutes: { metrc: 3 }\nbgp: { staleTimeSeconds: soon }\n';
  const found = problems(
    load({ yaml, environment: { MARGAY_RESTART_TIME: '9999' }, flags: { 'store-directory': 'here' } }),
  );
  t.deepEqual(found.sort(), [
    '--store-directory: "here" is not an absolute path',
    'MARGAY_RESTART_TIME: "9999" is not a whole number from 0 to 4095',
    'agent.yaml: bgp.staleTimeSeconds: "soon" is not a whole number from 1 to 86400',
    'agent.yaml: dataplane: "freebsd" is not linux or none',
    'agent.yaml: routes.metrc: no such key: did you mean routes.metric?',
  ]);
});

test('a file that is no YAML names its line', t => {
  t.regex(problems(load({ yaml: 'a: 1\n  b: 2\n' }))[0] ?? '', /^agent\.yaml, line \d/);
});

test('a file that is no map of keys is said to be none', t => {
  const aliases = ['a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]'];
  for (let i = 1; i < 9; i++) aliases.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  for (const yaml of ['- nodeName: a', 'nodeName', '7', aliases.join('\n')]) {
    t.deepEqual(problems(load({ yaml })), ['agent.yaml: not a map of keys']);
  }
  t.false(problems(load({ yaml: 'a: 1\n---\nb: 2' })).some(text => text.includes('parseAllDocuments')));
});

test('monitoring stations: told of routes before policy unless it is said otherwise', t => {
  const stations = (yaml: string) => {
    const configuration = load({ yaml: `bmp: { stations: [${yaml}] }` });
    const found = configuration.kind === 'ok' ? configuration.settings.bmpStations : [];
    return found.map(({ address, port, adjRibIn }) => `${address} ${port} ${adjRibIn}`);
  };
  t.deepEqual(
    stations('"192.0.2.9:11019", "[fd00::9]:1/post-policy", "192.0.2.9:2/both", "192.0.2.9:3/pre-policy"'),
    ['192.0.2.9 11019 pre-policy', 'fd00::9 1 post-policy', '192.0.2.9 2 both', '192.0.2.9 3 pre-policy'],
  );
  for (const wrong of ['192.0.2.9:1/', '192.0.2.9:1/loc-rib', '192.0.2.9/both', '192.0.2.9:1/both/both']) {
    const [problem] = problems(load({ yaml: `bmp: { stations: ["${wrong}"] }` }));
    t.true(problem?.startsWith(`agent.yaml: bmp.stations: "${wrong}" is not`), problem);
  }
});

test('addresses: with length, without, by interface', t => {
  const wish = (text: string) => {
    const configuration = load({ flags: { 'ipv4-address': text } });
    return configuration.kind === 'ok' ? configuration.settings.ipv4Address : 'refused';
  };
  t.deepEqual(wish('10.0.0.1/24'), { kind: 'address', address: '10.0.0.1' as never, prefixLength: 24 });
  t.deepEqual(wish('interface=eth0'), { kind: 'interface', name: 'eth0' });
  t.deepEqual(wish('off'), { kind: 'off' });
  for (const text of ['10.0.0.1/33', '10.0.0', 'interface=', 'eth0', 'fd00::1/64'])
    t.is(wish(text), 'refused', text);
  const ipv6 = (text: string) => {
    const configuration = load({ flags: { 'ipv6-address': text } });
    return configuration.kind === 'ok' ? configuration.settings.ipv6Address : 'refused';
  };
  t.deepEqual(ipv6('fd00::1/64'), { kind: 'address', address: 'fd00::1' as never, prefixLength: 64 });
  for (const text of ['fd00::1/129', '10.0.0.1/24', 'fe80::1%eth0']) t.is(ipv6(text), 'refused', text);
});

test('a list: in the file as one, with commas elsewhere; an address is a network of one', t => {
  const nodes = (sources: Parameters<typeof load>[0]) => {
    const configuration = load(sources);
    return configuration.kind === 'ok' ? configuration.settings.externalNodes : problems(configuration);
  };
  t.deepEqual(nodes({}), []);
  const ipv6 = nodes({ environment: { MARGAY_EXTERNAL_NODES: 'fd00::7,fd01::/64' } });
  t.deepEqual(ipv6, ['fd00::7/128', 'fd01::/64'] as never);
  const expected = ['192.0.2.0/24', '203.0.113.7/32'] as never;
  t.deepEqual(nodes({ yaml: 'tunnels: { externalNodes: [192.0.2.0/24, 203.0.113.7] }\n' }), expected);
  t.deepEqual(nodes({ environment: { MARGAY_EXTERNAL_NODES: '192.0.2.0/24, 203.0.113.7' } }), expected);
  t.deepEqual(nodes({ flags: { 'external-nodes': '192.0.2.0/24,203.0.113.7' } }), expected);
  for (const yaml of ['[]', '', '""', '203.0.113.7'])
    t.is(nodes({ yaml: `tunnels: { externalNodes: ${yaml} }\n` }).length, yaml.startsWith('2') ? 1 : 0, yaml);
});

test('the part of a list that is wrong is named', t => {
  const said = (list: string) => problems(load({ yaml: `tunnels: { externalNodes: ${list} }\n` }))[0];
  for (const wrong of ['192.0.2.1/24', 'fd00::1/64', '192.0.2.0/33', 'host-a', '192.0.2.256'])
    t.is(
      said(`[203.0.113.7, "${wrong}"]`),
      `agent.yaml: tunnels.externalNodes: "${wrong}" is not an IP address or CIDR (all bits zero behind its length)`,
    );
  t.regex(said('[203.0.113.7, ""]') ?? '', /"" is not/);
  t.regex(said('[{ a: 1 }]') ?? '', /is not/);
});

test('an unknown MARGAY_ variable is a warning only', t => {
  const configuration = load({ environment: { MARGAY_DATAPLAN: 'none', HOME: '/' } });
  t.is(configuration.kind === 'ok' ? configuration.warnings[0]?.place : '', 'MARGAY_DATAPLAN');
  const ofOthers = load({ environment: { MARGAY_SOCKET: '/s', MARGAY_RUN_ID: 'a', MARGAY_PATIENCE: '5' } });
  t.deepEqual(ofOthers.kind === 'ok' ? ofOthers.warnings : '', []);
});

test('a path that does not fit into a socket address is refused: it would be cut off in silence', t => {
  const longest = `/${'x'.repeat(106)}`;
  t.deepEqual(problems(load({ flags: { 'control-socket': longest } })), []);
  t.is(problems(load({ flags: { 'control-socket': `${longest}x` } })).length, 1);
});

test('every default is allowed, every path, flag and variable stands once', t => {
  for (const { fallback, parse, path } of settings)
    if (fallback !== undefined) t.not(parse(fallback), undefined, path);
  for (const key of ['path', 'flag', 'environment'] as const) {
    t.is(new Set(settings.map(setting => setting[key])).size, settings.length);
  }
});

test('docs/configuration.md is what the table says (npm run docs)', t => {
  t.is(readFileSync(`${root}/docs/configuration.md`, 'utf8'), configurationDocument());
});

test('deploy/agent.yaml is a configuration', t => {
  t.deepEqual(problems(load({ yaml: readFileSync(`${root}/deploy/agent.yaml`, 'utf8') })), []);
});

test('a program that wants some settings is not stopped by what is wrong with others', t => {
  const content = 'dataplane: freebsd\nroutes: { metrc: 3 }\nstateDirectory: /srv/margay\n';
  const sources = { environment: {}, flags: {}, hostName: 'a' };
  const some = loadConfiguration({ ...sources, file: { name: 'agent.yaml', content } }, ['stateDirectory']);
  t.deepEqual(some, { kind: 'ok', settings: { stateDirectory: '/srv/margay' }, warnings: [] });
  for (const wrong of ['stateDirectory: here\n', 'stateDirectory: [\n']) {
    const file = { name: 'agent.yaml', content: wrong };
    t.is(loadConfiguration({ ...sources, file }, ['stateDirectory']).kind, 'invalid', wrong);
  }
});
