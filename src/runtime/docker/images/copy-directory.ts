import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { COMMAND_PATH } from '../../../host/run-command.ts';
import type { CopiedDirectory } from '../../../image/images.ts';
import type { DockerClient } from '../docker-client.ts';
import { createdSchema, LABEL_ID, LABEL_OWNER } from '../docker-documents.ts';
import { DockerError, hasStatus } from '../docker-error.ts';

const CLEANUP_TIMEOUT_MS = 30_000;

export interface DirectoryCopy {
  readonly client: DockerClient;
  /** As containers of the agent are labelled, so that what a crash leaves is swept like them. */
  readonly owner: string;
  /** Name of the local image. */
  readonly image: string;
  readonly path: string;
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** `ImageService.copyDirectory` by the archive of a container that is made of the image and never started. */
export async function copyImageDirectory(copy: DirectoryCopy): Promise<CopiedDirectory> {
  const { client, path, directory, signal } = copy;
  const id = `copy-${createHash('sha256').update(directory).digest('hex')}`;
  await makeContainer(copy, id);
  try {
    const query = { path: `${path.replace(/\/+$/, '')}/.` };
    const archive = await client.stream('GET', `/containers/${id}/archive`, { query, signal });
    await extract(archive, directory, signal);
    return 'copied';
  } catch (error) {
    if (error instanceof DockerError && /not a directory/.test(error.message)) return 'notADirectory';
    if (hasStatus(error, 404)) return 'absent';
    throw error;
  } finally {
    await removeContainer(client, id);
  }
}

async function makeContainer({ client, owner, image, signal }: DirectoryCopy, id: string): Promise<void> {
  const body = {
    Image: image,
    // It never runs, but dockerd wants a command.
    Cmd: ['none'],
    NetworkDisabled: true,
    Labels: { [LABEL_ID]: id, [LABEL_OWNER]: owner },
  };
  const create = () =>
    client.call('POST', '/containers/create', createdSchema, { query: { name: id }, body, signal });
  try {
    await create();
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
    await removeContainer(client, id);
    await create();
  }
}

async function removeContainer(client: DockerClient, id: string): Promise<void> {
  try {
    // A signal of its own: what was made goes also when the copy was aborted.
    const signal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS);
    await client.send('DELETE', `/containers/${id}`, { query: { v: '1', force: '1' }, signal });
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
}

async function extract(
  archive: NodeJS.ReadableStream,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ['--extract', '--numeric-owner', '--same-owner', '--preserve-permissions', '--xattrs'];
  const child = spawn('tar', [...args, '--directory', directory], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: COMMAND_PATH },
    signal,
    killSignal: 'SIGKILL',
  });
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  // A tar that gives up closes its input: its own words say why.
  const [exitCode] = await Promise.all([ended, pipeline(archive, child.stdin).catch(() => {})]);
  signal.throwIfAborted();
  if (exitCode !== 0)
    throw new Error(
      `cannot copy content of the image to ${directory}: ${Buffer.concat(complaints).toString().trim()}`,
    );
}
