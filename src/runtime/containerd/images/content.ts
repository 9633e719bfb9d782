import type { AnswerOf } from '../api.ts';
import type { ContainerdClient } from '../client.ts';
import { hasCode } from '../containerd-error.ts';

/** What a blob is and which labels it carries. */
export interface BlobInfo {
  readonly digest: string;
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface Call {
  readonly signal: AbortSignal;
}

/** The blob as this namespace has it; undefined when it does not. */
export async function blobInfo(
  client: ContainerdClient,
  digest: string,
  call: Call,
): Promise<BlobInfo | undefined> {
  let answer: AnswerOf<'content', 'Info'>;
  try {
    answer = await client.unary('content', 'Info', { digest }, call);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
  return { digest, size: Number(answer.info?.size ?? 0), labels: answer.info?.labels ?? {} };
}

/** The bytes of a small blob; undefined when it is not there. More than `limit` bytes throws. */
export async function readBlob(
  client: ContainerdClient,
  digest: string,
  limit: number,
  call: Call,
): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const { data } of client.stream('content', 'Read', { digest }, call)) {
      size += data.length;
      if (size > limit) throw new Error(`blob ${digest} is longer than ${limit} bytes`);
      pieces.push(data);
    }
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
  return Buffer.concat(pieces, size);
}

/**
 * Size in bytes of what a gzip blob unpacks to, as its last four bytes say (RFC 1952 §2.3.1). Undefined where they
 * cannot be right: they hold the size modulo 4 GiB, of the last member only.
 */
export async function gzipUnpackedSize(
  client: ContainerdClient,
  { digest, size }: { readonly digest: string; readonly size: number },
  call: Call,
): Promise<number | undefined> {
  const request = { digest, offset: String(size - 4), size: '4' };
  const pieces: Buffer[] = [];
  for await (const { data } of client.stream('content', 'Read', request, call)) pieces.push(data);
  const tail = Buffer.concat(pieces);
  const unpacked = tail.length === 4 ? tail.readUInt32LE(0) : 0;
  return unpacked > size ? unpacked : undefined;
}

/** Sets labels on a blob and leaves its others alone. */
export async function labelBlob(
  client: ContainerdClient,
  digest: string,
  labels: Readonly<Record<string, string>>,
  call: Call,
): Promise<void> {
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  if (paths.length === 0) return;
  await client.unary(
    'content',
    'Update',
    { info: { digest, labels: { ...labels } }, updateMask: { paths } },
    call,
  );
}

/** How far the ingest of `ref` has come, whoever writes it; undefined when there is none. */
export async function ingestOffset(
  client: ContainerdClient,
  ref: string,
  call: Call,
): Promise<number | undefined> {
  const filters = [`ref==${JSON.stringify(ref)}`];
  const { statuses } = await client.unary('content', 'ListStatuses', { filters }, call);
  const ingest = statuses?.find((status) => status.ref === ref);
  return ingest === undefined ? undefined : Number(ingest.offset);
}

/** Name of a blob's ingest: ctr's own, so that its half-written blobs are gone on with and its locks are seen. */
export function ingestRef(kind: 'layer' | 'config' | 'manifest' | 'index', digest: string): string {
  return `${kind}-${digest}`;
}
