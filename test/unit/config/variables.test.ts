import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reportedFamilies } from '../../../src/agent-settings.ts';
import type { Config } from '../../../src/config/config.ts';
import { VARIABLES } from '../../../src/config/variables.ts';
import { configOf, load, problemsOf } from './config-world.ts';

type Case = readonly [env: Record<string, string>, member: keyof Config, value: unknown, name: string];

const ROUTE4 =
  'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n';
const ROUTE6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0\n`;
const REJECT6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 1 0 00200200 lo\n`;

describe('text', () => {
  it.each([
    'ECS_CLUSTER',
    'ECS_BACKEND_HOST',
    'AWS_DEFAULT_REGION',
    'ECS_ENGINE_AUTH_TYPE',
    'ECS_NVIDIA_RUNTIME',
  ])('has no space around %s (CFG-14)', async (name) => {
    const config = await configOf({ env: { [name]: '  word ' } });
    const members = [
      config.cluster,
      config.backendHost,
      config.region,
      config.engineAuthType,
      config.nvidiaRuntime,
    ];
    expect(members).toContain('word');
  });
});

describe('tri-state', () => {
  it.each([
    ...['1', 't', 'T', 'TRUE', 'true', 'True', ' true '].map((word) => [word, true] as const),
    ...['0', 'f', 'F', 'FALSE', 'false', 'False', ' 0'].map((word) => [word, false] as const),
  ])('reads "%s" (CFG-15)', async (word, value) => {
    const config = await configOf({
      env: { ECS_ENABLE_FIRELENS_ASYNC: word, ECS_DISABLE_METRICS: word },
      json: { DisableMetrics: !value, FirelensAsyncEnabled: !value },
    });
    expect(config).toMatchObject({ fireLensAsync: value, metricsDisabled: value });
  });

  it('is unset by any other text, with a warning (CFG-78)', async () => {
    const { config, warnings } = await load({
      env: { ECS_DISABLE_METRICS: 'yes', ECS_ENABLE_FIRELENS_ASYNC: 'no' },
      json: { DisableMetrics: true },
    });
    expect(config).toMatchObject({ metricsDisabled: true, fireLensAsync: true });
    expect(warnings).toHaveLength(2);
  });
});

describe('unreadable values', () => {
  it.each([
    ['ECS_INSTANCE_ATTRIBUTES', '{"a":}', '(CFG-16)'],
    ['ECS_INSTANCE_ATTRIBUTES', '{"a":{"b":1}}', '(CFG-16)'],
    ['ECS_CONTAINER_INSTANCE_TAGS', '["a"]', '(CFG-17)'],
    ['ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES', '["10.0.0.0"]', '(CFG-18)'],
    ['ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES', '10.0.0.0/8', '(CFG-18)'],
    ['ECS_AVAILABLE_LOGGING_DRIVERS', '["json-file","nope","neither"]', '(CFG-38)'],
  ])('of %s as %s are fatal %s', async (name, text) => {
    expect(await problemsOf({ env: { [name]: text } })).toContain(name);
  });

  it('of log drivers are listed by name', async () => {
    const env = { ECS_AVAILABLE_LOGGING_DRIVERS: '["json-file","nope","neither"]' };
    expect(await problemsOf({ env })).toContain('nope, neither');
  });

  it.each(['[22,', '[70000]', '["22"]', '{}'])(
    'of ECS_RESERVED_PORTS as %s only warn and leave the default (CFG-19, CFG-79)',
    async (text) => {
      const { config, warnings } = await load({ env: { ECS_RESERVED_PORTS: text } });
      expect(config.reservedPorts).toEqual([22, 2375, 2376, 51_678, 51_679]);
      expect(warnings.join()).toContain('ECS_RESERVED_PORTS');
    },
  );

  it('behind the first JSON value are not looked at', async () => {
    expect((await configOf({ env: { ECS_RESERVED_PORTS: '[1, 2] "x"' } })).reservedPorts).toEqual([1, 2]);
  });

  it('of ECS_PAUSE_LABELS only warn', async () => {
    const { config, warnings } = await load({ env: { ECS_PAUSE_LABELS: '{' } });
    expect(config.pauseLabels).toEqual({});
    expect(warnings).toHaveLength(1);
  });
});

describe('defaults and bounds', () => {
  const cases: readonly Case[] = [
    [{ ECS_CONTAINER_STOP_TIMEOUT: '500ms' }, 'containerStopTimeoutMs', 1_000, 'raised (CFG-20)'],
    [{ ECS_CONTAINER_STOP_TIMEOUT: '-3s' }, 'containerStopTimeoutMs', 1_000, 'negative is raised too'],
    [{}, 'containerStopTimeoutMs', 30_000, 'default (CFG-80)'],
    [{ ECS_CONTAINER_STOP_TIMEOUT: 'soon' }, 'containerStopTimeoutMs', 30_000, 'no duration'],
    [{ ECS_CONTAINER_START_TIMEOUT: '44s' }, 'containerStartTimeoutMs', 45_000, 'raised (CFG-22)'],
    [{}, 'containerStartTimeoutMs', 180_000, 'default (CFG-81)'],
    [{ ECS_CONTAINER_CREATE_TIMEOUT: '59s' }, 'containerCreateTimeoutMs', 60_000, 'raised (CFG-24)'],
    [{}, 'containerCreateTimeoutMs', 240_000, 'default (CFG-82)'],
    [{ ECS_MANIFEST_PULL_TIMEOUT: '29.9s' }, 'manifestPullTimeoutMs', 30_000, 'raised (CFG-25)'],
    [{}, 'manifestPullTimeoutMs', 60_000, 'default (CFG-83)'],
    [{ ECS_IMAGE_PULL_INACTIVITY_TIMEOUT: '30s' }, 'imagePullInactivityTimeoutMs', 60_000, 'raised (CFG-26)'],
    [{}, 'imagePullInactivityTimeoutMs', 60_000, 'default (CFG-84)'],
    [{}, 'imagePullTimeoutMs', 7_200_000, 'default (CFG-27)'],
    [{ ECS_IMAGE_PULL_TIMEOUT: '1ms' }, 'imagePullTimeoutMs', 1, 'has no minimum (CFG-85)'],
    [{ ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '999ms' }, 'taskCleanupWaitMs', 10_800_000, 'reset (CFG-28)'],
    [{ ECS_IMAGE_CLEANUP_INTERVAL: '9m59s' }, 'imageCleanupIntervalMs', 1_800_000, 'reset (CFG-29)'],
    [{ ECS_NUM_IMAGES_DELETE_PER_CYCLE: '-1' }, 'imagesDeletedPerCycle', 5, 'reset (CFG-30)'],
    [{}, 'untrackedContainersDeletedPerCycle', 5, 'default (CFG-31)'],
    [
      { NONECS_NUM_CONTAINERS_DELETE_PER_CYCLE: 'x' },
      'untrackedContainersDeletedPerCycle',
      5,
      'invalid (CFG-31)',
    ],
    [
      { NONECS_NUM_CONTAINERS_DELETE_PER_CYCLE: '-2' },
      'untrackedContainersDeletedPerCycle',
      -2,
      'negative is taken',
    ],
    [{ ECS_CGROUP_CPU_PERIOD: '7ms' }, 'cgroupCpuPeriodMs', 100, 'too small (CFG-34)'],
    [{ ECS_CGROUP_CPU_PERIOD: '101ms' }, 'cgroupCpuPeriodMs', 100, 'too large (CFG-34)'],
    [{ ECS_CGROUP_CPU_PERIOD: '8ms' }, 'cgroupCpuPeriodMs', 8, 'least'],
    [{ ECS_TASK_PIDS_LIMIT: '4194305' }, 'taskPidsLimit', 0, 'too large (CFG-35)'],
    [{ ECS_TASK_PIDS_LIMIT: '-1' }, 'taskPidsLimit', 0, 'negative (CFG-35)'],
    [{ ECS_TASK_PIDS_LIMIT: '4194304' }, 'taskPidsLimit', 4_194_304, 'most'],
    [{ ECS_IMAGE_PULL_BEHAVIOR: 'never' }, 'imagePullBehavior', 'default', 'unknown (CFG-36)'],
    [{ ECS_IMAGE_PULL_BEHAVIOR: 'Always' }, 'imagePullBehavior', 'default', 'case counts (CFG-36)'],
    [{ ECS_IMAGE_PULL_BEHAVIOR: 'once' }, 'imagePullBehavior', 'once', 'known'],
    [{}, 'checkpoint', false, 'without data directory (CFG-37)'],
    [{ ECS_DATADIR: '/d' }, 'checkpoint', true, 'with data directory (CFG-37)'],
    [{ ECS_DATADIR: '/d', ECS_CHECKPOINT: 'false' }, 'checkpoint', false, 'said so'],
    [{ ECS_ENABLE_TASK_ENI: 'true' }, 'eniTrunking', true, 'with task ENI (CFG-40)'],
    [{ ECS_ENABLE_HIGH_DENSITY_ENI: 'true' }, 'eniTrunking', false, 'without task ENI (CFG-88)'],
    [{}, 'excludeIpv6PortBinding', true, 'default (CFG-44)'],
    [{}, 'ebsTaskAttach', true, 'default (CFG-45)'],
    [{ ECS_EBSTA_SUPPORTED: 'false' }, 'ebsTaskAttach', false, 'off'],
    [
      { ECS_LOG_DRIVER: 'awslogs', ECS_LOGLEVEL: 'warn' },
      'logLevelOnInstance',
      'none',
      'driver set (CFG-46)',
    ],
    [{ ECS_LOGLEVEL: 'WARN' }, 'logLevelOnInstance', 'warn', 'as ECS_LOGLEVEL'],
    [
      { ECS_LOG_DRIVER: 'awslogs', ECS_LOGLEVEL_ON_INSTANCE: 'crit' },
      'logLevelOnInstance',
      'crit',
      'said so',
    ],
    [{ ECS_LOGLEVEL: 'loud' }, 'logLevel', 'info', 'unknown level'],
    [{ ECS_LOG_ROLLOVER_TYPE: 'daily' }, 'logRollover', 'hourly', 'other rollover'],
    [
      { ECS_AVAILABLE_LOGGING_DRIVERS: '["awsfirelens"]' },
      'availableLoggingDrivers',
      ['awsfirelens'],
      '(CFG-87)',
    ],
    [{ ECS_EXCLUDE_UNTRACKED_IMAGE: 'a, b ,c' }, 'imageCleanupExclusions', ['a', ' b ', 'c'], '(CFG-70)'],
    [{ ECS_RESERVED_MEMORY: '65536' }, 'reservedMemoryMiB', 0, 'does not fit'],
    [
      { ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES: '["fd00::/8"]' },
      'awsvpcAdditionalLocalRoutes',
      ['fd00::/8'],
      'IPv6',
    ],
    [{}, 'runtime', 'containerd', 'default'],
    [{ ECS_RUNTIME: 'docker' }, 'runtime', 'docker', 'docker'],
    [{}, 'runDirectory', '/run/ecs-containerd-agent', 'default'],
    [{ ECS_CONTAINERD_NAMESPACE: 'b' }, 'runDirectory', '/run/ecs-containerd-agent-b', 'of a namespace'],
    [
      { ECS_CNI_PLUGINS_PATH: '/own' },
      'cniPluginDirectories',
      ['/own', '/opt/cni/bin', '/usr/lib/cni'],
      'first',
    ],
  ];
  it.each(cases)('%o makes %s %o: %s', async (env, member, value) => {
    expect((await configOf({ env }))[member]).toEqual(value);
  });

  it('refuses a stop timeout below 1s in the file (CFG-21)', async () => {
    expect(await problemsOf({ json: { DockerStopTimeout: 999_000_000 } })).toContain(
      'ECS_CONTAINER_STOP_TIMEOUT',
    );
    expect(await problemsOf({ json: { DockerStopTimeout: 1_000_000_000 } })).toBe('');
  });

  it('refuses a start timeout below 45s in the file (CFG-23)', async () => {
    expect(await problemsOf({ json: { ContainerStartTimeout: 44e9 } })).toContain(
      'ECS_CONTAINER_START_TIMEOUT',
    );
    expect(await problemsOf({ json: { ContainerStartTimeout: 45e9 } })).toBe('');
  });

  it.each([
    ['40', 40, 60],
    ['1,2,3', 40, 60],
    ['a,b', 40, 60],
    ['0,5', 40, 60],
    ['5,-1', 40, 60],
    [' 7 , 9 ', 7, 9],
  ])('limits task metadata by "%s" to %i and %i a second (CFG-32, TMDS-73)', async (text, steady, burst) => {
    expect(await configOf({ env: { ECS_TASK_METADATA_RPS_LIMIT: text } })).toMatchObject({
      taskMetadataSteadyRate: steady,
      taskMetadataBurstRate: burst,
    });
  });

  it.each([
    [{ ECS_POLLING_METRICS_WAIT_DURATION: '1s', ECS_POLL_METRICS: 'true' }, 5_000],
    [{ ECS_POLLING_METRICS_WAIT_DURATION: '1m', ECS_POLL_METRICS: 'true' }, 20_000],
    [{ ECS_POLLING_METRICS_WAIT_DURATION: '1m' }, 60_000],
  ])('clamps the polling period only while polling: %o (CFG-33)', async (env, value) => {
    expect((await configOf({ env })).pollingMetricsWaitMs).toBe(value);
  });

  it('polls every 10s by default (CFG-86)', async () => {
    expect((await configOf()).pollingMetricsWaitMs).toBe(10_000);
  });

  it('keeps a data directory of the file from switching checkpoints on', async () => {
    expect((await configOf({ json: { DataDir: '/d' } })).checkpoint).toBe(false);
    expect((await configOf({ json: { Checkpoint: true } })).checkpoint).toBe(true);
  });

  it('reserves the metrics port, beside custom ports too (CFG-39)', async () => {
    const env = { ECS_ENABLE_PROMETHEUS_METRICS: 'true', ECS_RESERVED_PORTS: '[80]' };
    expect((await configOf({ env })).reservedPorts).toEqual([80, 51_680]);
  });

  it('refuses a containerd namespace that containerd would refuse', async () => {
    expect(await problemsOf({ env: { ECS_CONTAINERD_NAMESPACE: 'a/b' } })).toContain(
      'ECS_CONTAINERD_NAMESPACE',
    );
  });

  it('tells of settings without effect', async () => {
    const { notices } = await load({ env: { ECS_UPDATE_DOWNLOAD_DIR: '/x' } });
    expect(notices).toEqual(['ECS_UPDATE_DOWNLOAD_DIR has no effect on this agent']);
  });
});

describe('what the host tells', () => {
  const range = { '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n' };
  it.each([
    ['40000-40010', range, 40_000, 40_010],
    ['', range, 32_768, 60_999],
    ['9-1', range, 32_768, 60_999],
    ['1-70000', range, 32_768, 60_999],
    ['nonsense', {}, 49_153, 65_535],
  ])('gives dynamic host ports for "%s" (CFG-42, NET-7)', async (text, files, first, last) => {
    const config = await configOf({ env: { ECS_DYNAMIC_HOST_PORT_RANGE: text }, files });
    expect(config.dynamicHostPortRange).toEqual({ first, last });
  });

  it.each([
    ['IPv4', 'ipv4'],
    ['ipv6', 'ipv6'],
  ])('is overruled by ECS_INSTANCE_IP_COMPATIBILITY=%s (CFG-43)', async (text, value) => {
    const files = { '/proc/net/route': ROUTE4, '/proc/net/ipv6_route': ROUTE6 };
    const config = await configOf({ env: { ECS_INSTANCE_IP_COMPATIBILITY: text }, files });
    expect(config.ipCompatibility).toBe(value);
  });

  it.each([
    [{ '/proc/net/route': ROUTE4, '/proc/net/ipv6_route': ROUTE6 }, 'dual', true],
    [{ '/proc/net/route': ROUTE4, '/proc/net/ipv6_route': REJECT6 }, 'ipv4', true],
    [{ '/proc/net/route': 'Iface\n', '/proc/net/ipv6_route': ROUTE6 }, 'ipv6', false],
    [{}, 'ipv4', true],
  ] as const)(
    'finds the default routes, and reports IPv6 ports alone on IPv6-only hosts (CFG-90, CFG-91, NET-75)',
    async (files, value, exclude) => {
      const { config, warnings } = await load({ env: { ECS_INSTANCE_IP_COMPATIBILITY: 'both' }, files });
      expect(config).toMatchObject({ ipCompatibility: value, excludeIpv6PortBinding: exclude });
      expect(reportedFamilies(config)).toEqual({ ipv4: exclude, ipv6: !exclude });
      expect(warnings.join()).toContain('ECS_INSTANCE_IP_COMPATIBILITY');
    },
  );

  it('gives proxies a list of what they are not for', async () => {
    const env = { https_proxy: 'http://p:1' };
    expect((await configOf({ env })).proxyEnvironment).toEqual({
      HTTPS_PROXY: 'http://p:1',
      NO_PROXY: '169.254.169.254,169.254.170.2,/run/containerd/containerd.sock',
    });
    expect((await configOf()).proxyEnvironment).toEqual({});
  });
});

describe('secrets', () => {
  it('are in no text of the configuration (CFG-47)', async () => {
    const { config, warnings, notices } = await load({
      env: { ECS_ENGINE_AUTH_TYPE: 'docker', ECS_ENGINE_AUTH_DATA: '{"r":{"password":"hunter2"}}' },
    });
    const texts = [JSON.stringify(config), inspect(config, { depth: 9 }), `${config.engineAuthData}`];
    expect([...texts, ...warnings, ...notices].join()).not.toContain('hunter2');
    expect(config.engineAuthData?.reveal()).toContain('hunter2');
  });
});

describe('the table', () => {
  it('names each variable and key once, the two rates apart', () => {
    const rows = Object.values(VARIABLES);
    const names = rows.map((row) => row.env).filter((name) => name !== undefined);
    const keys = rows.map((row) => row.jsonKey?.toLowerCase()).filter((key) => key !== undefined);
    expect(names.length - new Set(names).size).toBe(1);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
