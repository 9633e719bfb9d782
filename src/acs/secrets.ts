import type { SecretReference } from '../task/secrets.ts';
import type { PayloadContainer } from '../wire/acs-payload.ts';

type PayloadSecret = NonNullable<PayloadContainer['secrets']>[number];

const STORES: Readonly<Record<string, SecretReference['store']>> = { ssm: 'ssm', asm: 'secretsmanager' };

/** Secrets of a container that can be given to it; the others are named by `strangeSecrets`. */
export function secretsOf({ secrets }: PayloadContainer): readonly SecretReference[] | undefined {
  const known = (secrets ?? []).flatMap((secret) => secretOf(secret) ?? []);
  return known.length === 0 ? undefined : known;
}

/** Secrets that go somewhere, or come from somewhere, that is not known here. */
export function strangeSecrets({ secrets }: PayloadContainer): readonly string[] {
  return (secrets ?? [])
    .filter((secret) => secretOf(secret) === undefined)
    .map(({ name, provider, type, target }) =>
      [name ?? '', `(provider ${provider ?? ''}, type ${type ?? ''}, target ${target ?? ''})`].join(' '),
    );
}

/** ARNs of the container's environment files (resources.md §3); their type is not looked at. */
export function environmentFilesOf({ environmentFiles }: PayloadContainer): readonly string[] | undefined {
  const files = (environmentFiles ?? []).map(({ value }) => value ?? '');
  return files.length === 0 ? undefined : files;
}

function secretOf({ name, valueFrom, region, provider, type, target }: PayloadSecret) {
  const store = STORES[provider ?? ''];
  const use: SecretReference['use'] | undefined =
    target === 'LOG_DRIVER' ? 'logDriver' : type === 'ENVIRONMENT_VARIABLE' ? 'environment' : undefined;
  if (store === undefined || use === undefined) return undefined;
  const secret: SecretReference = {
    name: name ?? '',
    valueFrom: valueFrom ?? '',
    region: region ?? '',
    store,
    use,
  };
  return secret;
}
