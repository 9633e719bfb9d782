import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from '../../src/agent-version.ts';
import { IMPLEMENTED_FEATURES, type ImplementedFeatures } from '../../src/ecs/implemented-features.ts';
import type { Wire } from './golden-wire.ts';

/**
 * Every way in which this agent may differ on the wire from the recorded one, with the reason. Whatever is not in
 * here has to be the same; what cannot be put into one of these kinds needs a decision record in docs/adr.
 */
export interface Difference {
  readonly kind: 'version' | 'docker version' | 'user agent' | 'attributes' | 'words';
  readonly where: string;
  readonly theirs: string;
  readonly ours: string;
  readonly why: string;
  /** A recorded line, in its comparable form, as this agent is to send it. */
  expected(line: Wire): Wire;
}

const USER_AGENT = `${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH}) (linux; LINUX) (+http://aws.amazon.com/ecs/)`;
const THEIR_USER_AGENT =
  'Amazon ECS Agent - v1.105.1 (*a8b3e7d3) (linux; LINUX) (+http://aws.amazon.com/ecs/)';

const WORDS_RECORD =
  'the same name and parts in the same order, our own words: docs/adr/0002-wording-of-reasons.md';

/** Recorded capabilities that this agent claims only with these features, or never. */
const CAPABILITIES: Readonly<Record<string, readonly (keyof ImplementedFeatures)[] | 'never'>> = {
  'ecs.capability.private-registry-authentication.secretsmanager': ['privateRegistryAuth'],
  'ecs.capability.secrets.ssm.environment-variables': ['secretsFromSsm'],
  'ecs.capability.secrets.ssm.bootstrap.log-driver': ['secretsFromSsm', 'logDriverSecrets'],
  'ecs.capability.ecr-endpoint': ['ecr'],
  'ecs.capability.secrets.asm.environment-variables': ['secretsFromSecretsManager'],
  'ecs.capability.secrets.asm.bootstrap.log-driver': ['secretsFromSecretsManager', 'logDriverSecrets'],
  'ecs.capability.container-ordering': ['containerOrdering'],
  'ecs.capability.env-files.s3': ['environmentFiles'],
  'ecs.capability.network.container-port-range': ['containerPortRange'],
  'ecs.capability.container-restart-policy': ['containerRestartPolicy'],
  'com.amazonaws.ecs.capability.privileged-container': ['privilegedContainers'],
  'com.amazonaws.ecs.capability.task-iam-role': ['taskRoles'],
  'com.amazonaws.ecs.capability.task-iam-role-network-host': ['taskRolesNetworkHost'],
  'com.amazonaws.ecs.capability.ecr-auth': ['ecr'],
  'ecs.capability.execution-role-ecr-pull': ['ecr'],
  'ecs.capability.container-health-check': ['containerHealthChecks'],
  'ecs.capability.docker-plugin.local': ['localVolumes'],
  'ecs.capability.aws-appmesh': ['appMesh'],
  'ecs.capability.task-eia': 'never',
  'ecs.capability.task-eia.optimized-cpu': 'never',
  'ecs.capability.firelens.fluentd': ['fireLens'],
  'ecs.capability.firelens.fluentbit': ['fireLens'],
  'com.amazonaws.ecs.capability.logging-driver.awsfirelens': ['fireLens'],
  'ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit': ['fireLens'],
  'ecs.capability.firelens.non-root-user': ['fireLens'],
  'ecs.capability.efs': ['efs'],
  'ecs.capability.storage.s3-files': ['s3Files'],
  'ecs.capability.firelens.options.config.file': ['fireLens'],
  'ecs.capability.firelens.options.config.s3': ['fireLens'],
  'ecs.capability.storage.ebsta-non-root-user': ['ebsVolumes'],
  'ecs.capability.ipv6-only': ['ipv6Only'],
};

const upgradeOf = (line: Wire, channel: string) => line.ch === channel && line.event === 'upgrade';

export const DIFFERENCES: readonly Difference[] = [
  {
    kind: 'version',
    where: 'query of both upgrades',
    theirs: '`agentHash=a8b3e7d3`, `agentVersion=1.105.1`',
    ours: `\`agentHash=${AGENT_HASH}\`, \`agentVersion=${AGENT_VERSION}\``,
    why: 'each agent says what it is',
    expected: (line) =>
      withQuery(line, (part) => {
        if (part.startsWith('agentHash=')) return `agentHash=${AGENT_HASH}`;
        return part.startsWith('agentVersion=') ? `agentVersion=${AGENT_VERSION}` : part;
      }),
  },
  {
    kind: 'docker version',
    where: 'query of the ACS upgrade',
    theirs: '`dockerVersion=DockerVersion%3A+20.10.24%2Bdfsg1`',
    ours: '`dockerVersion=containerd`',
    why: 'there is no Docker; ECS wants the parameter (acs.md §2)',
    expected: (line) =>
      upgradeOf(line, 'acs')
        ? withQuery(line, (part) => (part.startsWith('dockerVersion=') ? 'dockerVersion=containerd' : part))
        : line,
  },
  {
    kind: 'docker version',
    where: 'query of the TCS upgrade',
    theirs: '`dockerVersion=20.10.24%2Bdfsg1`',
    ours: 'no such parameter',
    why: 'there is no Docker, and TCS does not ask for the parameter (tcs.md §1)',
    expected: (line) =>
      upgradeOf(line, 'tcs')
        ? withQuery(line, (part) => (part.startsWith('dockerVersion=') ? undefined : part))
        : line,
  },
  {
    kind: 'user agent',
    where: 'header of all API calls',
    theirs: `\`${THEIR_USER_AGENT}\``,
    ours: `\`${USER_AGENT}\``,
    why: 'name and version of our own in the same form (ECS-03)',
    expected: (line) => (line.ch === 'ecs-api' ? withHeader(line, 'user-agent', USER_AGENT) : line),
  },
  {
    kind: 'user agent',
    where: 'header of both upgrades',
    theirs: '`Go-http-client/1.1`, the name of a library',
    ours: `\`${USER_AGENT}\``,
    why: 'the same name as on API calls',
    expected: (line) => (line.event === 'upgrade' ? withHeader(line, 'user-agent', USER_AGENT) : line),
  },
  {
    kind: 'words',
    where: 'reason of a container whose dependency was not successful',
    theirs:
      '`dependency graph: failed to resolve container ordering dependency […] for target […] as dependency did not exit successfully.`',
    ours: '`dependency graph: […] for target […]: the dependency did not exit successfully`',
    why: WORDS_RECORD,
    expected: (line) =>
      withReasons(
        line,
        /^(.*dependency graph: )failed to resolve container ordering dependency (\[.*\]) as dependency did not exit successfully\.$/,
        '$1$2: the dependency did not exit successfully',
      ),
  },
  {
    kind: 'words',
    where: 'reason of a container whose dependency took longer than its startTimeout',
    theirs: '`dependency graph: container ordering dependency […] for target […] has timed out.`',
    ours: '`dependency graph: […] for target […]: the dependency has timed out`, and what its last health probe said',
    why: WORDS_RECORD,
    expected: (line) =>
      withReasons(
        line,
        /^(.*dependency graph: )container ordering dependency (\[.*\]) has timed out\.$/,
        '$1$2: the dependency has timed out; it is RUNNING and UNKNOWN: its last probe ended with exit code 1, without output',
      ),
  },
  {
    kind: 'words',
    where: 'reason of a task whose shared volume is not there',
    theirs:
      "`resource cannot be initialized for task …: initialize volume: volume detection failed, volume '…' does not exist and autoprovision is set to false: Error response from daemon: get …: no such volume`",
    ours: "`resource cannot be initialized for task …: initialize volume: volume '…' does not exist and autoprovision is false: no such volume`",
    why: WORDS_RECORD,
    expected: (line) =>
      withTaskReason(
        line,
        /^(.*initialize volume: )volume detection failed, (volume '.*' does not exist and autoprovision is )set to (false: ).*: (no such volume)$/,
        '$1$2$3$4',
      ),
  },
  ...attributeDifferences(),
];

/** One row for each feature, or set of features, that is not there yet. */
function attributeDifferences(): readonly Difference[] {
  const rows = new Map<string, string[]>();
  for (const [attribute, needs] of Object.entries(CAPABILITIES)) {
    const missing =
      needs === 'never' ? needs : needs.filter((name) => !IMPLEMENTED_FEATURES[name]).join(', ');
    if (missing !== '') rows.set(missing, [...(rows.get(missing) ?? []), attribute]);
  }
  return [...rows].map(([missing, attributes]) => ({
    kind: 'attributes',
    where: 'RegisterContainerInstance',
    theirs: attributes.map((name) => `\`${name}\``).join(', '),
    ours: 'not claimed',
    why:
      missing === 'never'
        ? 'the service behind it has ended: docs/adr/0001-no-elastic-inference.md'
        : `not implemented yet: ${missing}`,
    expected: (line) => withoutAttributes(line, attributes),
  }));
}

function withQuery(line: Wire, change: (part: string) => string | undefined): Wire {
  if (line.query === undefined) return line;
  return { ...line, query: line.query.map(change).filter((part) => part !== undefined) };
}

function withHeader(line: Wire, name: string, value: string): Wire {
  return { ...line, headers: { ...line.headers, [name]: value } };
}

function withReasons(line: Wire, pattern: RegExp, replacement: string): Wire {
  if (!Array.isArray(line.body?.containers)) return line;
  const containers = line.body.containers.map((container) =>
    container.reason === undefined
      ? container
      : { ...container, reason: container.reason.replace(pattern, replacement) },
  );
  return { ...line, body: { ...line.body, containers } };
}

function withTaskReason(line: Wire, pattern: RegExp, replacement: string): Wire {
  const reason = line.body?.reason;
  if (typeof reason !== 'string') return line;
  return { ...line, body: { ...line.body, reason: reason.replace(pattern, replacement) } };
}

function withoutAttributes(line: Wire, names: readonly string[]): Wire {
  if (!Array.isArray(line.body?.attributes)) return line;
  const attributes = line.body.attributes.filter(({ name }) => !names.includes(name));
  return { ...line, body: { ...line.body, attributes } };
}

/** The recorded line with all differences in it. */
export function withDifferences(line: Wire): Wire {
  return DIFFERENCES.reduce((changed, difference) => difference.expected(changed), line);
}
