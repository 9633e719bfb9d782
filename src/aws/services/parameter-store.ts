import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { clientSettings, type ServiceSettings, type ServiceTarget } from './client-settings.ts';

export interface Parameters {
  /** Values by the name that the service gives them, which is the one asked for where it is found at all. */
  readonly values: ReadonlyMap<string, string>;
  /** Names that the service does not know. */
  readonly invalid: readonly string[];
}

export async function getParameters(
  target: ServiceTarget,
  names: readonly string[],
  settings: ServiceSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<Parameters> {
  const client = new SSMClient(await clientSettings('SSM', target, settings));
  try {
    const answer = await client.send(new GetParametersCommand({ Names: [...names], WithDecryption: true }), {
      abortSignal: signal,
    });
    const found = (answer.Parameters ?? []).flatMap(({ Name, ARN, Value }): [string, string][] =>
      [Name, ARN].flatMap((name): [string, string][] =>
        name === undefined || Value === undefined ? [] : [[name, Value]],
      ),
    );
    return { values: new Map(found), invalid: answer.InvalidParameters ?? [] };
  } finally {
    client.destroy();
  }
}
