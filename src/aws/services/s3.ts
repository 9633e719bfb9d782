import { GetObjectCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  clientSettings,
  namedEndpoint,
  type ServiceSettings,
  type ServiceTarget,
} from './client-settings.ts';

interface S3Object {
  readonly bucket: string;
  readonly key: string;
}

/** Environment files are a few kilobytes; a larger object is no such file. */
const MAX_OBJECT_BYTES = 4 * 1024 * 1024;

export async function getObjectText(
  target: ServiceTarget,
  { bucket, key }: S3Object,
  settings: ServiceSettings,
  options: { readonly signal: AbortSignal },
): Promise<string> {
  const region = await bucketRegion(target, bucket, settings, options);
  const client = await openClient({ ...target, region }, settings);
  try {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: options.signal,
    });
    const size = answer.ContentLength ?? 0;
    if (size > MAX_OBJECT_BYTES)
      throw new Error(
        `the object has ${size} bytes, more than the ${MAX_OBJECT_BYTES} of an environment file`,
      );
    return (await answer.Body?.transformToString('utf-8')) ?? '';
  } finally {
    client.destroy();
  }
}

/** S3 names the region of a bucket to whomever asks, also in refusals; where it does not, the target's serves. */
async function bucketRegion(
  target: ServiceTarget,
  bucket: string,
  settings: ServiceSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  const client = await openClient(target, settings);
  try {
    const answer = await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
    return answer.BucketRegion ?? target.region;
  } catch (error) {
    const region = regionOfRefusal(error);
    if (region === undefined && !isRefusal(error)) throw error;
    return region ?? target.region;
  } finally {
    client.destroy();
  }
}

async function openClient(target: ServiceTarget, settings: ServiceSettings): Promise<S3Client> {
  return new S3Client({
    ...(await clientSettings('S3', target, settings)),
    // A host that somebody named has no name for each bucket.
    forcePathStyle: namedEndpoint('S3', target, settings) !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** Whether the service answered, whatever it said. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && '$response' in error && error.$response !== undefined;
}

function regionOfRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('$response' in error)) return undefined;
  const response = error.$response;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null || !('x-amz-bucket-region' in headers))
    return undefined;
  const region = headers['x-amz-bucket-region'];
  return typeof region === 'string' && region !== '' ? region : undefined;
}
