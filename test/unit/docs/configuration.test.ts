import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { installedEnvironment } from '../../../src/config/environment.ts';
import { Secret } from '../../../src/config/secret.ts';
import { IGNORED_VARIABLES, VARIABLES } from '../../../src/config/variables.ts';
import { IMPLEMENTED_FEATURES } from '../../../src/ecs/implemented-features.ts';
import { formatGoDuration } from '../../../src/task/go-duration.ts';
import { expectDocument, markdownTable } from '../../support/kept-document.ts';
import { type Meaning, OTHERS, SECTIONS, type SettingName } from './setting-meanings.ts';

const OWN = "This agent's own";
const root = fileURLToPath(new URL('../../../src/', import.meta.url));
/** Everything that may follow a setting. */
const followers = globSync('**/*.ts', { cwd: root })
  .filter((file) => !/^(config|control-plane|runtime\/containerd\/generated)\//.test(file))
  .map((file) => readFileSync(root + file, 'utf8'))
  .join('\n');

function hasEffect(name: SettingName, { as, feature }: Meaning): boolean {
  if (feature !== undefined && !IMPLEMENTED_FEATURES[feature]) return false;
  return new RegExp(`\\b${as ?? name}\\b`).test(followers);
}

/** What a setting is when nothing sets it. */
function fallbackOf(name: SettingName): string {
  const value: unknown = VARIABLES[name].resolve(
    { env: {}, documents: [] },
    { problems: [], warnings: [], notices: [] },
  );
  if (value === undefined || value instanceof Secret) return 'unset';
  if (typeof value === 'number' && name.endsWith('Ms')) return formatGoDuration(value);
  return value === '' ? 'empty' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

const settings = SECTIONS.flatMap(({ settings: rows }) => Object.entries(rows) as [SettingName, Meaning][]);

async function configurationDocument(): Promise<string> {
  const { ECS_DETAILED_OS_FAMILY: _, ...installed } = await installedEnvironment(async () => undefined);
  const tables = SECTIONS.map(({ title, settings: rows }) => {
    const lines = (Object.entries(rows) as [SettingName, Meaning][]).map(([name, meaning]) => {
      const { env, jsonKey } = VARIABLES[name];
      return [
        env === undefined ? '' : `\`${env}\`${title === OWN ? ' (own)' : ''}`,
        jsonKey ?? '',
        meaning.fallback ?? fallbackOf(name),
        meaning.means,
        hasEffect(name, meaning) ? 'yes' : 'not yet',
      ];
    });
    return `## ${title}\n\n${markdownTable(['variable', 'JSON key', 'default', 'meaning', 'has an effect'], lines)}\n`;
  });
  return `# Configuration

Settings come from, highest first: the process environment; \`/etc/ecs/ecs.config\` and \`/var/lib/ecs/ecs.config\`
(\`NAME=value\` lines); a JSON file; the \`ECSAgentConfiguration\` object of the instance's user data; instance metadata
for the region; the defaults here. A lower source fills in only what the higher ones leave at nothing.

Variables of the Amazon ECS agent keep their names and meanings; those of this agent alone are marked *(own)*.
Durations are written \`90s\` or \`1h30m\` in the environment, and in nanoseconds in JSON. A test makes this page out of
\`src/config/variables.ts\`; what has no effect yet is read and checked all the same.

Variables of the AWS SDKs say where SSM Parameter Store, Secrets Manager, S3 and ECR are asked on behalf of tasks:
\`AWS_ENDPOINT_URL_SSM\`, \`AWS_ENDPOINT_URL_SECRETS_MANAGER\`, \`AWS_ENDPOINT_URL_S3\`, \`AWS_ENDPOINT_URL_ECR\`, and
\`AWS_ENDPOINT_URL\` for those that have none of their own. \`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true\` takes no notice
of them; \`AWS_USE_FIPS_ENDPOINT=true\` asks the FIPS endpoints of a region.

## Set at first

Unless ECS_IGNORE_CONFIG_FILES is \`true\`, the agent has these before anything else is read, as the Amazon ECS agent
has them from its installer:

${Object.entries(installed)
  .map(([name, value]) => `- \`${name}=${value}\``)
  .join('\n')}

${tables.join('\n')}
## Read besides

${markdownTable(
  ['variable', 'meaning'],
  OTHERS.map(([name, own, means]) => [
    name
      .split(', ')
      .map((one) => `\`${one}\`${own ? ' (own)' : ''}`)
      .join(', '),
    means,
  ]),
)}

## Taken and without effect

Said once in the log when set:

${IGNORED_VARIABLES.map((name) => `- \`${name}\``).join('\n')}
`;
}

describe('docs/configuration.md', () => {
  it('has every setting once', () => {
    expect(settings.map(([name]) => name).sort()).toEqual(Object.keys(VARIABLES).sort());
  });

  it('marks the settings that the Amazon ECS agent does not have', () => {
    const own = SECTIONS.find(({ title }) => title === OWN)?.settings ?? {};
    const spec = readFileSync(new URL('../../../docs/spec/config.md', import.meta.url), 'utf8');
    const foreign = settings
      .filter(([name]) => !Object.hasOwn(own, name))
      .map(([name]) => VARIABLES[name].env ?? VARIABLES[name].jsonKey ?? '');
    // It is the usual name of Node and OpenSSL, and stands beside SSL_CERT_DIR.
    expect(foreign.filter((name) => !spec.includes(name) && name !== 'SSL_CERT_FILE')).toEqual([]);
  });

  it('is made of the source', async () => {
    expectDocument('configuration.md', await configurationDocument());
  });
});
