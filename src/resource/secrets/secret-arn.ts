import { resourceFailure } from './resource-failure.ts';

/** Which secret, and what of it. */
export interface WantedSecret {
  readonly secretId: string;
  /** Absent: the whole text. */
  readonly jsonKey?: string;
  readonly versionStage?: string;
  readonly versionId?: string;
}

/**
 * Reads `arn:…:secret:ID` or `arn:…:secret:ID:jsonKey:versionStage:versionId`, each of the last three may be
 * empty (RES-25). Throws a `TaskError` for any other number of parts (RES-26).
 */
export function parseSecretArn(valueFrom: string): WantedSecret {
  const [arn, partition, service, region, account, ...resource] = valueFrom.split(':');
  const [kind, id = '', jsonKey = '', versionStage = '', versionId = ''] = resource;
  const isSecret = arn === 'arn' && service === 'secretsmanager' && kind === 'secret' && id !== '';
  if (!isSecret || (resource.length !== 2 && resource.length !== 5))
    throw resourceFailure(
      `the secret ${valueFrom} is not an ARN of Secrets Manager: after the account come secret:ID, or secret:ID:jsonKey:versionStage:versionId`,
    );
  return {
    secretId: [arn, partition, service, region, account, kind, id].join(':'),
    ...(jsonKey !== '' && { jsonKey }),
    ...(versionStage !== '' && { versionStage }),
    ...(versionId !== '' && { versionId }),
  };
}
