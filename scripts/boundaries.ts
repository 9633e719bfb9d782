import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Which files of src/ may import which; paths are relative to src/. */
interface Boundary {
  /** Said in the report: "<file> imports <target>: <rule>". */
  readonly rule: string;
  readonly from: RegExp;
  /** Files of `from` that the rule leaves alone. */
  readonly except?: RegExp;
  /** Imports that the rule looks at; all when absent. */
  readonly to?: RegExp;
  /** Of these, the ones that are fine besides those of the file's own top folder. */
  readonly allowed: RegExp;
  /** The own top folder is no excuse. */
  readonly strict?: boolean;
}

/** The contracts between the engine and the world. */
const PORTS = [
  'attachment/attachment-intake',
  'container-log/container-logs',
  'ecs/ecs-api',
  'engine/task-intake',
  'image/images',
  'network/network',
  'resource/task-cgroups',
  'resource/task-secrets',
  'resource/task-volumes',
  'runtime/runtime',
  'store/store',
].join('|');
const PORT_FILE = `(${PORTS})\\.ts$`;
/** Folders that hold what stands behind a port. */
const ADAPTERS = 'attachment|container-log|image|network|resource|runtime|store';

const SCHEMA = 'schema.ts';

const BOUNDARIES: readonly Boundary[] = [
  {
    rule: 'zod comes by schema.ts, in its small form and with its words',
    from: /./,
    except: new RegExp(`^${SCHEMA}$`),
    to: /^npm zod\b/,
    allowed: /^$/,
    strict: true,
  },
  {
    rule: 'task/, wire/ and async/ import nothing else of ours',
    from: /^(task|wire|async)\//,
    allowed: /^$/,
  },
  {
    rule: 'task/ does no I/O: no module of Node but node:crypto, no package',
    from: /^task\//,
    to: /^[^/]*:|^npm /,
    allowed: /^node:crypto$/,
  },
  {
    rule: 'control-plane/ sees only wire/ and async/',
    from: /^control-plane\//,
    allowed: /^(wire|async)\//,
  },
  {
    rule: 'a port imports only task/ and other ports',
    from: new RegExp(`^${PORT_FILE}`),
    allowed: new RegExp(`^(task/|${PORT_FILE})`),
    strict: true,
  },
  {
    rule: 'an adapter knows ports, task/, host/ and async/, and no other adapter',
    from: new RegExp(`^(${ADAPTERS})/`),
    // The containerd and Docker runtimes are adapters of the image port too.
    except: /^runtime\/(containerd|docker)\//,
    allowed: new RegExp(`^((task|host|async)/|${PORT_FILE})`),
  },
  {
    rule: 'a runtime knows ports, image/, task/, host/ and async/, and no other adapter',
    from: /^runtime\/(containerd|docker)\//,
    allowed: new RegExp(`^((task|host|async|image)/|${PORT_FILE})`),
  },
  ...['containerd', 'docker', 'fake'].map((name) => ({
    rule: 'runtimes do not know each other',
    from: new RegExp(`^runtime/${name}/`),
    to: /^runtime\/(containerd|docker|fake)\//,
    allowed: new RegExp(`^runtime/${name}/`),
    strict: true,
  })),
  {
    rule: 'only the composition root, the files right in src/, names concrete adapters',
    from: /./,
    // ecs-local shows container logs; adapters have the rules above.
    except: new RegExp(`^([^/]+\\.ts$|(${ADAPTERS})/|ecs-local/)`),
    to: new RegExp(`^(${ADAPTERS})/`),
    allowed: new RegExp(`^${PORT_FILE}`),
  },
  {
    rule: 'src/ imports nothing of test/ and scripts/',
    from: /./,
    to: /^\.\./,
    allowed: /^\.\.\/(package\.json$|proto\/)/,
    strict: true,
  },
];

/**
 * One line for each import of `source` that a boundary forbids. `file` is relative to src/. Type-only and lazy
 * imports count like any other.
 */
export function boundaryViolations(file: string, source: string): string[] {
  return importsOf(file, source).flatMap((target) =>
    BOUNDARIES.filter((boundary) => isViolated(boundary, file, target)).map(
      ({ rule }) => `src/${file} imports ${target}: ${rule}`,
    ),
  );
}

function isViolated(boundary: Boundary, file: string, target: string): boolean {
  const { from, except, to, allowed, strict } = boundary;
  if (!from.test(file) || except?.test(file)) return false;
  // Modules of Node and packages concern only the rules that ask for them.
  if (to === undefined ? isForeign(target) : !to.test(target)) return false;
  if (strict !== true && topFolder(file) === topFolder(target)) return false;
  return !allowed.test(target);
}

/** Targets relative to src/; `node:fs` and `npm zod` for what is not ours, and for `schema.ts`, which is zod by our name. */
function importsOf(file: string, source: string): string[] {
  const specifiers = source.matchAll(/(?:^|[\s}])(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...specifiers].map(([, , specifier = '']) => {
    const target = join(dirname(file), specifier);
    if (specifier.startsWith('.')) return target === SCHEMA ? `npm ${SCHEMA}` : target;
    return specifier.startsWith('node:') ? specifier : `npm ${specifier}`;
  });
}

function isForeign(target: string): boolean {
  return target.startsWith('node:') || target.startsWith('npm ');
}

function topFolder(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

if (import.meta.main) {
  const src = join(import.meta.dirname, '../src');
  const files = globSync('**/*.ts', { cwd: src });
  const violations = files.flatMap((file) =>
    boundaryViolations(relative('', file), readFileSync(join(src, file), 'utf8')),
  );
  for (const violation of violations) console.error(violation);
  console.log(
    `boundaries: ${files.length} files, ${violations.length === 0 ? 'all within' : `${violations.length} violations`}`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
