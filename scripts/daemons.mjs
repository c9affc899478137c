/**
 * BGP daemons, Redis and iperf3 for tests and benchmarks, and the lab's kernel, from Debian's packages, without installing them: downloaded,
 * unpacked into a cache folder (`$MARGAY_CACHE`, else `~/.cache/margay`) and run from there. No unit is enabled, nothing
 * listens, /etc stays as it is.
 *
 *     node scripts/daemons.mjs bird2 frr gobgpd     fetches what is missing, prints how to run each as JSON
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { progress } from './bootstrap.mjs';

const architecture = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** Programs by name, relative to the unpacked root, and the folders of their shared libraries; packages where they are not named so. */
const catalogue = {
  bird2: { programs: { bird: 'usr/sbin/bird', birdc: 'usr/sbin/birdc' }, libraries: [] },
  frr: {
    programs: {
      bfdd: 'usr/lib/frr/bfdd',
      bgpd: 'usr/lib/frr/bgpd',
      zebra: 'usr/lib/frr/zebra',
      vtysh: 'usr/bin/vtysh',
    },
    libraries: [`usr/lib/${architecture}/frr`],
  },
  gobgpd: { programs: { gobgpd: 'usr/bin/gobgpd', gobgp: 'usr/bin/gobgp' }, libraries: [] },
  bgpdump: { programs: { bgpdump: 'usr/bin/bgpdump' }, libraries: [] },
  pmacct: { programs: { pmbmpd: 'usr/sbin/pmbmpd' }, libraries: [] },
  redis: {
    packages: ['redis-server', 'redis-tools'],
    programs: { 'redis-server': 'usr/bin/redis-server', 'redis-cli': 'usr/bin/redis-cli' },
    libraries: [],
  },
  iperf3: { programs: { iperf3: 'usr/bin/iperf3' }, libraries: [] },
  // Its modules lie beside it, in usr/lib/uml/modules; there is none for other processors than x86.
  'user-mode-linux': { programs: { linux: 'usr/bin/linux.uml' }, libraries: [] },
};

export const daemonNames = Object.keys(catalogue);

function cacheFolder() {
  return process.env.MARGAY_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'margay');
}

/**
 * Where a daemon's programs are, fetching them on first use.
 * @param {'bird2' | 'frr' | 'gobgpd' | 'bgpdump' | 'pmacct' | 'redis' | 'iperf3' | 'user-mode-linux'} name
 * @returns {{ root: string, programs: Record<string, string>, env: { LD_LIBRARY_PATH: string } }}
 * @throws if the packages cannot be fetched; the message says which and why
 */
export function fetchDaemon(name) {
  const entry = catalogue[name];
  if (entry === undefined) throw new Error(`unknown daemon ${name}; known: ${daemonNames.join(', ')}`);
  const folder = join(cacheFolder(), 'daemons', name);
  if (!existsSync(join(folder, '.complete'))) unpack(name, folder);
  const path = relative => join(folder, relative);
  const libraries = [`usr/lib/${architecture}`, `lib/${architecture}`, ...entry.libraries].map(path);
  return {
    root: folder,
    programs: Object.fromEntries(
      Object.entries(entry.programs).map(([program, relative]) => [program, path(relative)]),
    ),
    env: { LD_LIBRARY_PATH: libraries.join(':') },
  };
}

/** Unpacks beside the final place and renames: two runs at once do not see each other's half. */
function unpack(name, folder) {
  progress(`fetching ${name} (unpacked into ${folder}, not installed)`);
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  try {
    const { packages = [name] } = catalogue[name];
    download([...packages, ...missingLibraries(packages)], work);
    for (const file of readdirSync(work).filter(file => file.endsWith('.deb'))) {
      run('dpkg', ['-x', join(work, file), work]);
      rmSync(join(work, file));
    }
    writeFileSync(join(work, '.complete'), '');
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    // Another run was quicker: its copy is as good.
    if (!existsSync(join(folder, '.complete'))) throw error;
  }
}

/** The shared libraries of the dependency closure that this machine does not have. */
function missingLibraries(packages) {
  const closure = run('apt-cache', [
    'depends',
    '--recurse',
    '--no-recommends',
    '--no-suggests',
    '--no-conflicts',
    '--no-breaks',
    '--no-replaces',
    '--no-enhances',
    ...packages,
  ]);
  const libraries = [...new Set(closure.split('\n').filter(line => /^lib[\w.+-]+$/.test(line)))];
  const states = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${Status}\n', ...libraries], {
    encoding: 'utf8',
  }).stdout;
  const installed = new Set(
    states
      .split('\n')
      .filter(line => line.endsWith('install ok installed'))
      .map(line => line.split(' ')[0]),
  );
  return libraries.filter(library => !installed.has(library));
}

function download(packages, folder) {
  const attempt = () => spawnSync('apt-get', ['download', ...packages], { cwd: folder, encoding: 'utf8' });
  let result = attempt();
  if (result.status !== 0) {
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    result = attempt();
  }
  if (result.status === 0) return;
  const errors = (result.stderr ?? `${result.error?.message}`)
    .split('\n')
    .filter(line => !line.startsWith('W:'));
  throw new Error(`apt-get download ${packages.join(' ')}: ${errors.join(' ').trim()}`);
}

function run(command, args) {
  let result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (command === 'apt-cache' && (result.status !== 0 || result.stdout === '')) {
    // A fresh machine has no package lists yet.
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  }
  if (result.status !== 0)
    throw new Error(`${command} ${args[0]}: ${result.stderr ?? result.error?.message}`);
  return result.stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : daemonNames;
  process.stdout.write(
    `${JSON.stringify(Object.fromEntries(names.map(name => [name, fetchDaemon(name)])), null, 2)}\n`,
  );
}
