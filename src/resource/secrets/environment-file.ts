import { posix } from 'node:path';
import { resourceFailure } from './resource-failure.ts';

const ARN = /^arn:[^:]+:s3:::([^/]+)\/(.+)$/s;

/** Bucket and key of an environment file. Throws a `TaskError` that names what is wrong. */
export function parseFileArn(arn: string): { readonly bucket: string; readonly key: string } {
  const [, bucket = '', key = ''] = ARN.exec(arn) ?? [];
  if (bucket === '')
    throw resourceFailure(
      `the environment file ${arn} is not an ARN of an S3 object, arn:aws:s3:::bucket/key`,
    );
  const path = posix.normalize(`${bucket}/${key}`);
  if (path === '..' || path.startsWith('../') || posix.isAbsolute(path) || path.includes('\0'))
    throw resourceFailure(
      `the environment file of bucket ${bucket} has the key ${key}, which leads out of it`,
    );
  return { bucket, key };
}

/**
 * Variables of an environment file (resources.md §3): one a line, cut at the first `=`, nothing trimmed, no quotes.
 * Lines that begin with `#`, have no `=` or no name are skipped; of two lines with one name the later counts.
 */
export function parseEnvironmentFile(text: string): Readonly<Record<string, string>> {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith('#') && line.indexOf('=') > 0);
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** Of files in the order in which they are listed, the first that has a name counts (RES-18). */
export function mergeFiles(files: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  return Object.assign({}, ...files.toReversed());
}
