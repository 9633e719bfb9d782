import { withDeadline } from '../../async/deadline.ts';
import type { SecretReference } from '../../task/secrets.ts';
import { resourceFailure, textOfFailure } from './resource-failure.ts';
import { type Fetching, secretKey } from './secret-services.ts';

/** Most names that the service takes at once. */
const BATCH = 10;
const LIMIT_MS = 60_000;

/**
 * Values of SSM parameters by `secretKey`, regions and batches side by side (resources.md §4.1). The first failure
 * is the reason.
 */
export async function fetchParameters(
  references: readonly SecretReference[],
  fetching: Fetching,
): Promise<ReadonlyMap<string, string>> {
  const regions = Map.groupBy(references, ({ region }) => region);
  const found = await Promise.all(
    [...regions].flatMap(([region, wanted]) =>
      batchesOf([...new Set(wanted.map(({ valueFrom }) => valueFrom))]).map((names) =>
        fetchBatch(region, names, fetching),
      ),
    ),
  );
  return new Map(found.flat());
}

async function fetchBatch(
  region: string,
  names: readonly string[],
  { services, credentials, signal: parent }: Fetching,
): Promise<readonly (readonly [string, string])[]> {
  const place = `fetching secrets from SSM Parameter Store in ${region}`;
  const answer = await withDeadline(place, LIMIT_MS, parent, (signal) =>
    services.getParameters({ region, credentials }, names, { signal }),
  ).catch((error: unknown) => {
    parent.throwIfAborted();
    throw resourceFailure(`${place}: ${textOfFailure(error)}`, error);
  });
  const missing = names.filter((name) => !answer.values.has(name));
  const invalid = [...new Set([...answer.invalid, ...missing])];
  if (invalid.length > 0)
    throw resourceFailure(
      `${place}: there are no such parameters: ${invalid.join(',')}; check their names and that they are in this region`,
    );
  return names.map((valueFrom) => [secretKey({ valueFrom, region }), answer.values.get(valueFrom) ?? '']);
}

function batchesOf(names: readonly string[]): readonly (readonly string[])[] {
  return names.flatMap((_, index) => (index % BATCH === 0 ? [names.slice(index, index + BATCH)] : []));
}
