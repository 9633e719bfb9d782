import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StackRecord } from './stack-files.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;

/** Removes the stack's images and its namespace from containerd, with containerd's own command. */
export async function removeNamespace(record: StackRecord): Promise<void> {
  const ctr = async (...args: readonly string[]) =>
    (
      await run('ctr', ['-a', record.containerdAddress, '-n', record.containerdNamespace, ...args], {
        timeout: TIMEOUT_MS,
      })
    ).stdout;
  const images = (await ctr('images', 'ls', '-q')).split('\n').filter((name) => name !== '');
  if (images.length > 0) await ctr('images', 'rm', '--sync', ...images);
  await ctr('namespaces', 'rm', record.containerdNamespace);
}
