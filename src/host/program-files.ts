import { fileURLToPath } from 'node:url';

/** Our programs by name, with their sources; scripts/bundle makes `lib/<name>.js` of each. */
export const PROGRAMS = {
  main: 'src/main.ts',
  'log-service': 'src/container-log/service/main.ts',
  'control-plane': 'src/control-plane/main.ts',
  'ecs-local': 'src/ecs-local/main.ts',
} as const;

/** Whether this code runs as it was written, with types that Node strips. */
export const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');

/** This file is two folders down in the source tree and one in a bundle. */
const root = new URL(RUNS_FROM_SOURCE ? '../../' : '../', import.meta.url);

/** Absolute path of a file that has the same place in the source tree and in a bundle: `proto`, `LICENSE`. */
export function ownFile(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/** Absolute path of what Node is given to run one of our programs. */
export function programFile(name: keyof typeof PROGRAMS): string {
  return ownFile(RUNS_FROM_SOURCE ? PROGRAMS[name] : `lib/${name}.js`);
}
