/**
 * What must be there before any command of this repository can work: the right Node, the packages of the lockfile, a
 * build of the sources as they are now. Plain JavaScript, because it runs before the build.
 *
 * Each step is skipped when a stamp says that nothing changed, so a second start reaches work at once.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const minimumNode = [20, 19];

/** Ends the process with one line that says what is wrong and what to do. */
export function fail(message) {
  process.stderr.write(`margay: ${message}\n`);
  process.exit(1);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  fail(`Node ${process.versions.node} is too old: ${minimumNode.join('.')} or later is needed`);
}

/** @param {string} purpose what root is needed for, e.g. "the demo makes network namespaces" */
export function requireRoot(purpose) {
  if (process.getuid() !== 0) fail(`not root: ${purpose}; try again with sudo`);
}

/** npm's own retries take minutes before they say that there is no network. */
const impatience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

/** `npm ci` when the lockfile is not the one that was installed. */
export function installPackages() {
  const stamp = join(root, 'node_modules', '.margay-lockfile');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  progress('installing packages (npm ci)');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', ...impatience], {
    cwd: root,
    encoding: 'utf8',
  });
  if (npm.error !== undefined) fail(`npm cannot be run: ${npm.error.message}`);
  if (npm.status !== 0) {
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(npm.stderr);
    if (offline)
      fail('the npm registry cannot be reached: the first start needs the network (later ones do not)');
    process.stderr.write(npm.stderr);
    fail('npm ci failed, see above');
  }
  writeFileSync(stamp, wanted);
}

/** Compiles when a source is newer than the last build. */
export function build() {
  const stamp = join(root, 'dist', '.margay-built');
  const config = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const sources = fingerprint([...config.include, 'tsconfig.json']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  progress('building');
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (tsc.status !== 0) fail('the build failed, see above');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, sources);
}

/** Debian packages that only bring commands: nothing starts when they are installed. Ends the process where they cannot be had. */
export function installTools(commands) {
  const problem = addTools(commands);
  if (problem !== undefined) fail(problem);
}

/** The same, for who can do without. @returns {string | undefined} what is missing and why */
export function addTools(commands) {
  const missing = Object.entries(commands).filter(([command]) => !onPath(command));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (!onPath('apt-get')) return `missing commands: ${missing.map(([command]) => command).join(', ')}`;
  requireRoot(`installing ${packages.join(', ')} needs it`);
  progress(`installing ${packages.join(', ')} (apt)`);
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-y', '--no-install-recommends', 'install', ...packages];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => spawnSync('apt-get', options, { encoding: 'utf8', env: environment });
  let result = install();
  if (result.status !== 0) {
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    result = install();
  }
  if (result.status === 0) return undefined;
  return `apt-get could not install ${packages.join(', ')}: ${result.stderr.trim()}`;
}

export const networkTools = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  iptables: 'iptables',
  ipset: 'ipset',
  nft: 'nftables',
};

/** Node, packages, build: what every command of the repository starts with. */
export function prepare() {
  requireNode();
  installPackages();
  build();
}

export function progress(message) {
  process.stderr.write(`margay: ${message}\n`);
}

/** Under npm the packages' own commands come first, and one of those has the name of a system's: nft. */
function onPath(command) {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
    .split(':')
    .filter(folder => !folder.includes('node_modules'));
  return folders.some(folder => existsSync(join(folder, command)));
}

/** Names and contents of every file below the given paths. Not times: those are of another precision in the lab's guest. */
function fingerprint(paths) {
  const hash = createHash('sha256');
  const visit = path => {
    if (!existsSync(path)) return;
    const status = statSync(path);
    if (status.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
    else hash.update(`${path}\0${status.size}\0`).update(readFileSync(path));
  };
  for (const path of paths) visit(join(root, path));
  return hash.digest('hex');
}

/** The commit this checkout stands at, for reports; "unknown" outside git. */
export function revision() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare();
