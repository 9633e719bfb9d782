import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { NetworkHost } from '../support/network-host.ts';
import { pushTestImage } from '../support/push-image.ts';
import { sdkImage } from '../support/sdk-image.ts';
import { until } from '../support/until.ts';

const TASK_ROLE = 'arn:aws:iam::123456789012:role/task';
const MODES = ['bridge', 'host'] as const;
/** Tells each document on a line of its own, then waits to be stopped. */
const ASK_ALL = [
  'trap "exit 0" TERM',
  'echo "env $ECS_CONTAINER_METADATA_URI $ECS_CONTAINER_METADATA_URI_V4 $ECS_AGENT_URI"',
  'echo "role $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"',
  'echo "container $(wget -qO- $ECS_CONTAINER_METADATA_URI_V4)"',
  'echo "task $(wget -qO- $ECS_CONTAINER_METADATA_URI_V4/taskWithTags)"',
  '[ -z "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" ] ||' +
    ' echo "credentials $(wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)"',
  '[ -z "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" ] ||' +
    ' echo "protection $(wget -qO- $ECS_AGENT_URI/task-protection/v1/state 2>&1)"',
  'echo done',
  'while :; do sleep 0.05; done',
].join('\n');

/** Everything runs in a network namespace that plays the EC2 instance. */
describe('what a task reads at 169.254.170.2', () => {
  let instance: NetworkHost;
  let visit: Disposable;
  let world: EcsWorld;

  beforeAll(async () => {
    instance = await NetworkHost.create('tmds');
    visit = instance.enter();
    world = await EcsWorld.start({
      agentEnv: {
        ECS_ENABLE_TASK_IAM_ROLE: 'true',
        ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST: 'true',
        ECS_ENABLE_CONTAINER_METADATA: 'true',
      },
      // New keys every two seconds.
      controlPlaneArgs: ['--credentials-life-ms', '20000', '--credentials-renew-ms', '18000'],
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  const linesOf = (runtimeId: string) => world.logLines(runtimeId);

  /** Runs a task until it has told everything; gives what follows each first word. */
  async function told(family: string) {
    const [arn = ''] = await world.run(family);
    const [task] = await world.reach('RUNNING', [arn]);
    const id = task?.containers[0]?.runtimeId ?? '';
    const lines = await until(
      async () => {
        const all = await linesOf(id);
        return all.includes('done') && all;
      },
      { what: 'the container has asked for everything', timeoutMs: 20_000 },
    );
    const byWord = new Map(
      lines.map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
    );
    const text = (word: string) => byWord.get(word) ?? '';
    return { arn, id, text, json: (word: string) => JSON.parse(text(word) || 'null') };
  }

  async function stop(arn: string): Promise<void> {
    await world.stop(arn);
    await world.reach('STOPPED', [arn]);
  }

  it.each(MODES)(
    'in %s mode is about itself, by ids that its variables tell (TMDS-75, TMDS-98, TMDS-127)',
    async (networkMode) => {
      await world.register('all', ASK_ALL, {}, { networkMode, taskRoleArn: TASK_ROLE });
      const { arn, id, text, json } = await told('all');
      const endpointId = /\/v3\/([0-9a-f-]{36}) /.exec(text('env'))?.[1];
      expect(text('env')).toBe(
        ['v3', 'v4', 'api'].map((part) => `http://169.254.170.2/${part}/${endpointId}`).join(' '),
      );
      expect(text('role')).toMatch(/^\/v2\/credentials\/\S+$/);
      expect(json('container')).toMatchObject({ DockerId: id, Name: 'main' });
      expect(json('task')).toMatchObject({ TaskARN: arn, Containers: [{ DockerId: id }] });
      expect(json('credentials')).toMatchObject({ RoleArn: TASK_ROLE });
      expect(json('protection')).toEqual({
        protection: { ExpirationDate: null, ProtectionEnabled: false, TaskArn: arn },
      });
      await stop(arn);
      await world.expectClean();
    },
    60_000,
  );

  it('lies in a file too, where a variable says, until the task is cleaned up (TMDS-78, TMDS-129)', async () => {
    const file = [
      'trap "exit 0" TERM',
      'until grep -q READY "$ECS_CONTAINER_METADATA_FILE"; do sleep 0.05; done',
      'echo "file $(tr -d "\\n\\t" < "$ECS_CONTAINER_METADATA_FILE")"',
      'echo "write $(touch "$ECS_CONTAINER_METADATA_FILE" 2>&1)"',
      'echo done; while :; do sleep 0.05; done',
    ].join('\n');
    await world.register('file', file, {}, { networkMode: 'bridge' });
    const { arn, id, json, text } = await told('file');
    expect(json('file')).toMatchObject({
      TaskARN: arn,
      ContainerID: id,
      ContainerName: 'main',
      Networks: [{ NetworkMode: 'bridge', IPv4Addresses: [expect.stringMatching(/^172\./)] }],
      MetadataFileStatus: 'READY',
    });
    expect(text('write')).toContain('Read-only file system');
    await stop(arn);
    await world.expectClean();
    expect(readdirSync(world.scratch.path('data/metadata'))).toEqual([]);
  }, 60_000);

  it('tells nobody the credentials of another task', async () => {
    const nosy = [
      'trap "exit 0" TERM',
      'while [ ! -e /tmp/stop ]; do',
      '  for id in $IDS; do wget -qO- http://169.254.170.2/v2/credentials/$id 2>&1 | head -c 300; echo; done',
      '  echo "own $(wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI | head -c 60)"',
      '  echo done; sleep 0.2',
      'done',
    ].join('\n');
    await world.register('victim', ASK_ALL, {}, { networkMode: 'bridge', taskRoleArn: TASK_ROLE });
    const victim = await told('victim');
    const credentialsId = victim.text('role').split('/').at(-1) ?? '';
    const environment = [{ name: 'IDS', value: credentialsId }];
    await world.register('nosy', nosy, { environment }, { networkMode: 'bridge', taskRoleArn: TASK_ROLE });
    const thief = await told('nosy');
    expect(thief.text('own')).toContain(TASK_ROLE);
    expect(await linesOf(thief.id)).toContain('wget: server returned error: HTTP/1.1 400 Bad Request');
    expect((await linesOf(thief.id)).join('\n')).not.toContain(`${victim.json('credentials').AccessKeyId}`);
    await stop(victim.arn);
    await stop(thief.arn);
    await world.expectClean();
  }, 60_000);

  it('has its own numbers, as the kernel counts them', async () => {
    const busy = [
      'trap "exit 0" TERM',
      'sleep 2; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 1.2',
      'echo "stats $(wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task/stats)"',
      'echo done; while :; do sleep 0.05; done',
    ].join('\n');
    await world.register('busy', busy, {}, { networkMode: 'bridge' });
    const { arn, id, json } = await told('busy');
    const { [id]: own, ...others } = json('stats');
    expect(others).toEqual({});
    expect(own).toMatchObject({
      id,
      pids_stats: { current: expect.any(Number) },
      memory_stats: { limit: 64 * 1024 * 1024 },
      networks: { eth0: { rx_bytes: expect.any(Number) } },
      network_rate_stats: { rx_bytes_per_sec: expect.any(Number) },
    });
    expect(own.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(50e6);
    expect(own.cpu_stats.system_cpu_usage).toBeGreaterThan(own.precpu_stats.system_cpu_usage);
    expect(own.memory_stats.usage).toBeLessThan(64 * 1024 * 1024);
    await stop(arn);
    await world.expectClean();
  }, 60_000);

  it('counts on over a restart of its container, also after the agent was killed (TMDS-48)', async () => {
    const again = [
      'echo x >>/runs',
      'if [ $(wc -l </runs) = 1 ]; then',
      '  i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; sleep 2; exit 1',
      'fi',
      'trap "exit 0" TERM',
      'while :; do echo "stats $(wget -qO- $ECS_CONTAINER_METADATA_URI_V4/stats 2>/dev/null)"; sleep 0.5; done',
    ].join('\n');
    const restartPolicy = { enabled: true, restartAttemptPeriod: 0 };
    await world.register('again', again, { restartPolicy }, { networkMode: 'bridge' });
    const [arn = ''] = await world.run('again');
    const [task] = await world.reach('RUNNING', [arn]);
    const id = task?.containers[0]?.runtimeId ?? '';
    /** Processor time in ns of the first lines after so many that tell it. */
    const total = async (after: number) =>
      await until(
        async () => {
          const lines = (await linesOf(id)).slice(after).flatMap((line) => line.split('stats ')[1] || []);
          const known = lines.map((text) => JSON.parse(text).cpu_stats?.cpu_usage?.total_usage ?? 0);
          return known.find((one) => one > 0);
        },
        { what: 'the container has numbers', timeoutMs: 20_000 },
      );
    const before = await total(0);
    await world.agent.kill('SIGKILL');
    const said = (await linesOf(id)).length;
    await world.agent.start();
    expect(await total(said)).toBeGreaterThan(before);
    // The run that goes on has not used that much by far.
    expect(before).toBeGreaterThan(500e6);
    await stop(arn);
    await world.expectClean();
  }, 60_000);

  it('without a role says nothing of credentials (TMDS-76)', async () => {
    await world.register('roleless', ASK_ALL, {}, { networkMode: 'bridge' });
    const { arn, text } = await told('roleless');
    expect(text('role')).toBe('');
    await stop(arn);
    await world.expectClean();
  }, 60_000);

  it('is under the same ids after the agent was killed, and credentials come again (TMDS-19)', async () => {
    const again = [
      'trap "exit 0" TERM',
      'while :; do',
      '  c=$(wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI 2>/dev/null)',
      '  m=$(wget -qO- $ECS_CONTAINER_METADATA_URI_V4 2>/dev/null)',
      '  [ -n "$c" ] && [ -n "$m" ] && echo all; [ -n "$c$m" ] || echo nothing; sleep 0.2',
      'done',
    ].join('\n');
    await world.register('again', again, {}, { networkMode: 'bridge', taskRoleArn: TASK_ROLE });
    const [arn = ''] = await world.run('again');
    const [task] = await world.reach('RUNNING', [arn]);
    const id = task?.containers[0]?.runtimeId ?? '';
    const tells = (line: string) =>
      until(async () => (await linesOf(id)).at(-1) === line, { what: `the last line is "${line}"` });
    await tells('all');
    await world.agent.kill('SIGKILL');
    await tells('nothing');
    await world.agent.start();
    await tells('all');
    await stop(arn);
    await world.expectClean();
  }, 60_000);

  it.each(MODES)(
    'in %s mode is what an AWS SDK takes for its credentials, through rotation, and the agent writes none down (TMDS-11, OBS-111)',
    async (networkMode) => {
      const program = fileURLToPath(new URL('sdk-program.ts', import.meta.url));
      const { reference } = await pushTestImage(world.registry, 'sdk:1', await sdkImage(program));
      const container = { image: reference, memory: 256, command: ['/usr/bin/node', '/app/main.mjs'] };
      await world.register('sdk', '', container, { networkMode, taskRoleArn: TASK_ROLE });
      const [arn = ''] = await world.run('sdk');
      const [task] = await world.reach('RUNNING', [arn], 60_000);
      const id = task?.containers[0]?.runtimeId ?? '';
      const keys = await until(
        async () => {
          const lines = await linesOf(id);
          return lines.length >= 2 && lines;
        },
        { what: 'a second pair of keys', timeoutMs: 30_000 },
      );
      expect(keys).toEqual(keys.map(() => expect.stringMatching(/^keys \S+ \S+$/)));
      const [, accessKeyId = '', token = ''] = keys.at(-1)?.split(' ') ?? [];
      const holds = (directory: string, text: string) =>
        filesUnder(world.scratch.path(directory)).includes(text);
      expect(holds('control-plane', accessKeyId)).toBe(true);
      // On the agent's side they are in its memory alone, and in the log of this talkative container.
      expect([accessKeyId, token].map((text) => holds('data', text))).toEqual([false, false]);
      await stop(arn);
      await world.expectClean();
    },
    120_000,
  );
});

/** All bytes of all files below a directory but logs of containers. */
function filesUnder(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => !path.includes('/logs/') && statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}
