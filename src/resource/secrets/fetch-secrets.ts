import { withDeadline } from '../../async/deadline.ts';
import type { SecretReference } from '../../task/secrets.ts';
import { goValue } from './go-value.ts';
import { allOrReasons, resourceFailure, textOfFailure } from './resource-failure.ts';
import { parseSecretArn } from './secret-arn.ts';
import { type Fetching, secretKey } from './secret-services.ts';

const LIMIT_MS = 60_000;

/**
 * Values of Secrets Manager by `secretKey`, each asked for once and side by side (resources.md §4.2). The reasons of
 * all that failed are joined.
 */
export async function fetchSecrets(
  references: readonly SecretReference[],
  fetching: Fetching,
): Promise<ReadonlyMap<string, string>> {
  const distinct = new Map(references.map((reference) => [secretKey(reference), reference]));
  const found = await allOrReasons(
    [...distinct].map(async ([key, reference]) => [key, await fetchOne(reference, fetching)] as const),
    ';',
    fetching.signal,
  );
  return new Map(found);
}

async function fetchOne(
  { valueFrom, region }: SecretReference,
  { services, credentials, signal: parent }: Fetching,
): Promise<string> {
  const { jsonKey, ...id } = parseSecretArn(valueFrom);
  const place = `fetching the secret ${id.secretId} from Secrets Manager in ${region}`;
  const text = await withDeadline(place, LIMIT_MS, parent, (signal) =>
    services.getSecretText({ region, credentials }, id, { signal }),
  ).catch((error: unknown) => {
    parent.throwIfAborted();
    const cause = textOfFailure(error);
    throw error instanceof Error && error.name === 'ResourceNotFoundException'
      ? resourceFailure(
          `ResourceNotFoundException: check that the secret "${id.secretId}" exists in ${region}: ${cause}`,
          error,
        )
      : resourceFailure(`${place}: ${cause}`, error);
  });
  if (text === undefined)
    throw resourceFailure(`${place}: it holds bytes and no text; only text can become a variable`);
  return jsonKey === undefined ? text : memberOf(text, jsonKey, place);
}

/** Never says what the text is: it is the secret. */
function memberOf(text: string, jsonKey: string, place: string): string {
  const object = objectOf(text);
  if (object === undefined)
    throw resourceFailure(`${place}: the key ${jsonKey} is asked for, and the secret is not a JSON object`);
  if (!Object.hasOwn(object, jsonKey))
    throw resourceFailure(`${place}: the secret's JSON has no key ${jsonKey}`);
  return goValue(object[jsonKey]);
}

/** The members of a JSON object; undefined when the text is none. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
