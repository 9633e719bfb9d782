import { withDeadline } from '../../async/deadline.ts';
import { mergeFiles, parseEnvironmentFile, parseFileArn } from './environment-file.ts';
import { allOrReasons, resourceFailure, textOfFailure } from './resource-failure.ts';
import type { Fetching } from './secret-services.ts';

const LIMIT_MS = 30_000;

/** The variables of a container's environment files, fetched side by side; failures are joined (RES-20). */
export async function fetchFiles(
  arns: readonly string[],
  region: string,
  fetching: Fetching,
): Promise<Readonly<Record<string, string>>> {
  const texts = await allOrReasons(
    arns.map((arn) => fetchFile(arn, region, fetching)),
    ';',
    fetching.signal,
  );
  return mergeFiles(texts.map(parseEnvironmentFile));
}

async function fetchFile(
  arn: string,
  region: string,
  { services, credentials, signal: parent }: Fetching,
): Promise<string> {
  const { bucket, key } = parseFileArn(arn);
  const what = `downloading the environment file ${key} from bucket ${bucket}`;
  return await withDeadline(what, LIMIT_MS, parent, (signal) =>
    services.getObjectText({ region, credentials }, { bucket, key }, { signal }),
  ).catch((error: unknown) => {
    parent.throwIfAborted();
    throw resourceFailure(`${what}: ${textOfFailure(error)}`, error);
  });
}
