import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Plugin, rolldown } from 'rolldown';
import { PROGRAMS } from '../src/host/program-files.ts';
import { lazyBuiltins } from './lazy-builtins.ts';

/*
 * Makes a folder that holds all that the agent needs (see scripts/bundle). AWS SDK clients stay in files of their
 * own, which only ecs-local ever loads.
 */

const root = resolve(import.meta.dirname, '..');
const ARCHITECTURES = ['x64', 'arm64'];

const LAUNCHER = `#!/bin/sh
# Starts the agent on the Node beside it. Its settings: /etc/ecs/ecs.config and the environment. A small young
# generation keeps 6 MB from garbage.
here=\${0%/*}
# Called by a link, or found in PATH.
if [ -L "$0" ] || [ "$here" = "$0" ]; then here=$(dirname "$(readlink -f "$(command -v "$0")")"); fi
exec "$here/node" --max-semi-space-size=2 "$here/lib/main.js" "$@"
`;

/**
 * The native module lies where the bundle has it, not where npm has it; `up` leads from a program to the bundle. It is
 * opened without what `require` needs, 2 ms of a start.
 */
const koffiFromBundle = (up: string): Plugin => ({
  name: 'koffi-from-bundle',
  load(id) {
    if (!id.endsWith('/koffi/src/koffi/src/static.js')) return null;
    return `export function loadStatic(name) {
  const module = { exports: {} };
  process.dlopen(module, import.meta.dirname + '/${up}/native/' + name + '/koffi.node');
  return module.exports;
}`;
  },
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'dist/ecs-containerd-agent' },
      arch: { type: 'string', default: process.arch },
    },
  });
  const { arch } = values;
  if (!ARCHITECTURES.includes(arch)) throw new Error(`--arch is one of ${ARCHITECTURES.join(', ')}`);
  const out = resolve(root, values.out);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, 'lib'), { recursive: true });

  const packages = await bundleAll(join(out, 'lib'));
  using foreign = new PackageFolder();
  const node = foreign.find(`node-linux-${arch}`);
  const native = foreign.find(`@koromix/koffi-linux-${arch}`);
  cpSync(realpathSync(join(node, 'bin/node')), join(out, 'node'));
  chmodSync(join(out, 'node'), 0o755);
  mkdirSync(join(out, 'native', `linux-${arch}`), { recursive: true });
  cpSync(join(native, `linux_${arch}`, 'koffi.node'), join(out, 'native', `linux-${arch}`, 'koffi.node'));
  for (const name of ['proto', 'LICENSE', 'README.md'])
    cpSync(join(root, name), join(out, name), { recursive: true });
  const isLaunched = (path: string) => !path.endsWith('.ts') && !path.endsWith('/plugins');
  cpSync(join(root, 'cni'), join(out, 'cni'), {
    recursive: true,
    filter: isLaunched,
    verbatimSymlinks: true,
  });
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  writeFileSync(join(out, 'ecs-agent'), LAUNCHER, { mode: 0o755 });
  writeFileSync(join(out, 'THIRD-PARTY-LICENSES'), licencesOf([node, ...packages]));
  console.log(out);
}

/** Bundles all programs; gives the folders of the packages that went in. */
async function bundleAll(directory: string): Promise<readonly string[]> {
  const folders = await bundle(PROGRAMS, { directory, up: '..' });
  for (const file of readdirSync(join(root, 'cni/plugins'))) {
    const plugin = { [basename(file, '.ts')]: `cni/plugins/${file}` };
    // One file each: most of the time of a run goes into loading.
    const place = { directory: join(directory, 'cni'), up: '../..', inOneFile: true };
    folders.push(...(await bundle(plugin, place)));
  }
  return [...new Set(folders)].sort();
}

interface BundlePlace {
  readonly directory: string;
  /** Leads from there to the folder of the whole bundle. */
  readonly up: string;
  readonly inOneFile?: boolean;
}

async function bundle(
  input: Readonly<Record<string, string>>,
  { directory, up, inOneFile = false }: BundlePlace,
): Promise<string[]> {
  const build = await rolldown({
    cwd: root,
    input: { ...input },
    platform: 'node',
    transform: { define: { 'process.env.ECS_AGENT_BUILD_HASH': JSON.stringify(buildHash()) } },
    plugins: [koffiFromBundle(up), lazyBuiltins],
    onLog(level, log) {
      if (level === 'warn' && log.code !== 'EVAL') throw new Error(log.message);
    },
  });
  const { output } = await build.write({
    dir: directory,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
    ...(inOneFile && { codeSplitting: false }),
  });
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  return modules.flatMap((id) => {
    const at = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id);
    return at === null ? [] : [at[0]];
  });
}

/** Eight digits of the commit; with changes on top of it, of nothing in particular. */
function buildHash(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    return git('status', '--porcelain', '--', 'src') === ''
      ? git('rev-parse', '--short=8', 'HEAD')
      : '00000000';
  } catch {
    return '00000000';
  }
}

/** Folders of npm packages; those for other architectures are fetched into a temporary one. */
class PackageFolder implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ecs-bundle-'));

  find(name: string): string {
    const installed = join(root, 'node_modules', name);
    if (existsSync(installed)) return realpathSync(installed);
    const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const { version, integrity } = lockedPackage(lock, name);
    const target = join(this.#directory, name.replace('/', '-'));
    mkdirSync(target);
    const packed = execFileSync(
      'npm',
      ['pack', '--json', '--pack-destination', target, `${name}@${version}`],
      {
        encoding: 'utf8',
      },
    );
    const [file] = JSON.parse(packed) as { readonly filename: string; readonly integrity: string }[];
    if (file === undefined || file.integrity !== integrity)
      throw new Error(`${name}@${version} of the npm registry is not what package-lock.json names`);
    execFileSync('tar', ['-xzf', join(target, file.filename), '-C', target, '--strip-components=1']);
    return target;
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function lockedPackage(
  lock: unknown,
  name: string,
): { readonly version: string; readonly integrity: string } {
  const { packages } = lock as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
  };
  const found = packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json has no ${name}`);
  return found;
}

/** The licence texts that have to travel with the code. */
function licencesOf(folders: readonly string[]): string {
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly [key: string]: string;
    };
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file === undefined ? `${license}\n` : readFileSync(join(folder, file), 'utf8');
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

await main();
