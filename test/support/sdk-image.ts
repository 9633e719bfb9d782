import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import type { TarEntry } from './tar.ts';
import type { TestImageOptions } from './test-image.ts';

/** Where the program lies in the image. */
export const SDK_PROGRAM = '/app/main.mjs';

/**
 * An image with this process's node, the libraries it needs and one program, bundled with the AWS SDK. What a
 * customer's image with an SDK in it is, as far as credentials go.
 */
export async function sdkImage(program: string): Promise<TestImageOptions> {
  const bundle = await rolldown({ input: program, platform: 'node', external: [/^node:/] });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  const files: readonly (readonly [path: string, content: Buffer | string])[] = [
    [SDK_PROGRAM, output[0].code],
    ['/usr/bin/node', readFileSync(process.execPath)],
    ...sharedLibraries(process.execPath).map((path) => [path, readFileSync(realpathSync(path))] as const),
  ];
  // dockerd takes no path twice in a layer.
  const directories = new Map(files.flatMap(([path]) => parents(path)).map((entry) => [entry.path, entry]));
  const layer = [...directories.values(), ...files.map(([path, content]) => executable(path, content))];
  return { layers: [layer], cmd: ['/usr/bin/node', SDK_PROGRAM], compress: 'none' };
}

/** As the dynamic loader finds them, itself included. */
function sharedLibraries(program: string): readonly string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

function executable(path: string, content: Buffer | string): TarEntry {
  return { path: path.slice(1), type: 'file', mode: 0o755, content };
}

function parents(path: string): readonly TarEntry[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => ({ path: join(...names.slice(0, index + 1)), type: 'directory' }));
}
