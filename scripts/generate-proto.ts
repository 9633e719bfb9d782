/**
 * Writes the TypeScript types of `proto/` to `src/runtime/containerd/generated`, or to the folder given as the
 * first argument. Run by `npm run proto` after every change of a .proto file; a test holds the two in step.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const outDir = resolve(process.argv[2] ?? join(root, 'src/runtime/containerd/generated'));
const loader = dirname(createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json'));

rmSync(outDir, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    join(loader, 'build/bin/proto-loader-gen-types.js'),
    '--longs=String',
    '--enums=String',
    '--defaults',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.ts',
    '--includeDirs=proto',
    `--outDir=${outDir}`,
    ...readdirSync(join(root, 'proto'))
      .filter((name) => name.endsWith('.proto'))
      .sort(),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
