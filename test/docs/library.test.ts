/** The example of docs/library.md, run as it stands there. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import ts from 'typescript';
import { createSpeaker } from '../../bgp/index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('the README and the documentation show what the types allow', t => {
  for (const page of ['README.md', 'docs/library.md']) {
    const examples = [...readFileSync(join(root, page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
    t.true(examples.length > 0, page);
    for (const [, source] of examples) t.deepEqual(typeProblems(source!), [], page);
  }
  t.not(typeProblems("import { createSpeaker } from 'margay/bgp';\ncreateSpeaker({});").length, 0);
});

/** What the compiler says of a program that stands inside the package, so that its own name resolves. */
function typeProblems(source: string): string[] {
  const file = join(root, 'dist/example.ts');
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.Node16,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = name => name === file || fileExists(name);
  host.readFile = name => (name === file ? source : readFile(name));
  host.getSourceFile = (name, version) =>
    name === file ? ts.createSourceFile(name, source, version) : getSourceFile(name, version);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

test('the documented example does what it says', async t => {
  const text = readFileSync(join(root, 'docs/library.md'), 'utf8');
  const source = /```ts\n([\s\S]*?)```/.exec(text)?.[1];
  t.truthy(source);
  const other = createSpeaker({
    asn: 65002,
    routerId: '127.0.0.2',
    listen: { address: '127.0.0.2', port: 11790 },
  });
  t.teardown(() => other.close());
  const peer = other.addPeer({
    address: '127.0.0.1',
    port: 11790,
    localAddress: '127.0.0.2',
    asn: 65001,
    import: () => 'accept',
    export: () => 'accept',
  });
  other.announce('10.244.2.0/24');
  other.announce('192.0.2.0/24');
  // Inside the package, so that its own name resolves.
  const folder = mkdtempSync(join(root, 'dist/example-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'example.mjs');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  writeFileSync(file, ts.transpileModule(source!, { compilerOptions: options }).outputText);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  const reached = await peer.established({ signal: AbortSignal.timeout(20_000) });
  t.is(reached.kind, 'established');
  t.is(await new Promise(resolve => child.on('exit', resolve)), 0);
  t.regex(output, /10\.244\.2\.0\/24 127\.0\.0\.2/);
  t.false(output.includes('192.0.2.0'));
  t.regex(peer.status().info, /6\/2 administrative shutdown: that was all/);
});
