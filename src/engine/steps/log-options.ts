import type { FetchedValues } from '../../resource/task-secrets.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import type { EngineSettings } from '../step-context.ts';

/** Docker's own default would be 1 MB (logging.md §7.5). */
const DEFAULT_BUFFER = '10m';
/** Regions whose endpoints a log driver does not know by itself, with their domains (logging.md §7.4). */
const REGION_DOMAINS: Readonly<Record<string, string>> = {
  'us-iso-east-1': 'c2s.ic.gov',
  'us-iso-west-1': 'c2s.ic.gov',
  'us-isob-east-1': 'sc2s.sgov.gov',
  'us-isob-west-1': 'sc2s.sgov.gov',
  'us-isof-east-1': 'csp.hci.ic.gov',
  'us-isof-south-1': 'csp.hci.ic.gov',
  'eu-isoe-west-1': 'cloud.adc-e.uk',
  'eusc-de-east-1': 'amazonaws.eu',
};

/**
 * The options of a container's log driver that are no secret, with what the agent adds, in the order of
 * logging.md §7.
 */
export function logOptions(
  task: TaskSpec,
  { log }: ContainerSpec,
  { region, ipv6Only = false }: Pick<EngineSettings, 'region' | 'ipv6Only'>,
): Readonly<Record<string, string>> {
  const options: Record<string, string> = { ...log.options };
  if (log.useExecutionRole === true) {
    if (task.executionCredentialsId === undefined)
      throw new TaskError('CannotCreateContainerError', 'No execution credentials set for the task');
    options['awslogs-credentials-endpoint'] = `/v2/credentials/${task.executionCredentialsId}`;
  }
  if (log.driver === 'awslogs') {
    const endpoint = awslogsEndpoint(options, region, ipv6Only);
    if (endpoint !== undefined) options['awslogs-endpoint'] = endpoint;
  }
  if (options.mode === 'non-blocking') options['max-buffer-size'] ??= DEFAULT_BUFFER;
  return options;
}

/**
 * Options whose values were fetched (resources.md §4.3): they are in what the driver gets, and nowhere else. None
 * where a value is empty, and where no driver is named that could take them.
 */
export function secretLogOptions(
  { log }: ContainerSpec,
  { logOptions: fetched }: FetchedValues,
): Readonly<Record<string, string>> {
  if (log.driver === '') return {};
  return Object.fromEntries(Object.entries(fetched).filter(([, value]) => value !== ''));
}

function awslogsEndpoint(
  options: Readonly<Record<string, string>>,
  agentRegion: string,
  ipv6Only: boolean,
): string | undefined {
  if (ipv6Only) {
    const region = options['awslogs-region'];
    if (options['awslogs-endpoint'] !== undefined || region === undefined) return undefined;
    return `https://logs.${region}.api.aws`;
  }
  const domain = REGION_DOMAINS[agentRegion];
  return domain === undefined ? undefined : `https://logs.${agentRegion}.${domain}`;
}
