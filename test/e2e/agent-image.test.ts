import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAgent } from '../../src/ecs-local/agent-socket.ts';
import { agentEnvironment } from '../support/agent.ts';
import { AwsEcs, type DescribedTask } from '../support/aws-ecs.ts';
import { removeCgroups } from '../support/cgroups.ts';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { accepts, startDaemon } from '../support/daemon.ts';
import { importTestImage } from '../support/import-image.ts';
import { type LeakCheck, leakCheck } from '../support/leak-check.ts';
import { run } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const repository = join(import.meta.dirname, '../..');
const IMAGE = 'docker.io/library/test:1';
const PORT = 8645;
const namespace = `ecs-t${process.pid}`;
/** The Debian part of the image does not change from run to run. */
const baseArchive = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'ecs-containerd-agent/image-base-trixie.tar',
);

describe('the agent as a container of a dockerd beside containerd', () => {
  const parts = new AsyncDisposableStack();
  const scratch = parts.use(makeScratch());
  const runDir = scratch.path('run');
  const dataDir = scratch.path('data');
  const dockerSocket = scratch.path('docker.sock');
  let containerd: TestContainerd;
  let leaks: LeakCheck;
  let ecs: AwsEcs;
  let counting: DescribedTask;

  const docker = (...args: readonly string[]) =>
    run('/usr/bin/docker', ['-H', `unix://${dockerSocket}`, ...args], {
      env: { DOCKER_BUILDKIT: '0' },
      timeoutMs: 180_000,
    });
  const connected = async () => {
    await until(async () => (await askAgent(runDir))?.acs.connected === true, {
      what: 'the agent is connected',
      timeoutMs: 60_000,
    });
  };
  const containerPid = async () =>
    (await containerd.ctr(namespace, 'tasks', 'ls')).split('\n').slice(1).join();
  const logLines = () => {
    const id = counting.containers[0]?.runtimeId ?? '';
    const text = readFileSync(join(dataDir, 'logs', id, `${id}-json.log`), 'utf8').trim();
    return text.split('\n').map((line) => (JSON.parse(line) as { readonly log: string }).log.trim());
  };

  beforeAll(async () => {
    containerd = parts.use(await startContainerd());
    await importTestImage(containerd, namespace, IMAGE);

    // dockerd changes firewall rules of its network namespace; the loopback of that one is ours alone.
    const holder = await startDaemon({
      command: 'unshare',
      args: ['--net', 'sh', '-c', 'ip link set lo up && exec sleep infinity'],
      logFile: scratch.path('netns.log'),
      ready: () => true,
    });
    parts.defer(() => holder.stop());
    const inside = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--'] as const;
    await until(
      async () => (await run(inside[0], [...inside.slice(1), 'ip', 'link'])).includes('LOOPBACK,UP'),
      {
        what: 'the loopback device is up',
      },
    );
    const [enter, ...into] = inside;

    const controlPlaneLog = scratch.path('control-plane.log');
    const controlPlane = await startDaemon({
      command: enter,
      args: [
        ...into,
        ...[process.execPath, join(repository, 'src/control-plane/main.ts')],
        ...['--port', String(PORT), '--state-dir', scratch.path('control-plane')],
        ...['--access-key', 'test', '--secret-key', 'test'],
      ],
      logFile: controlPlaneLog,
      ready: () => readFileSync(controlPlaneLog, 'utf8').includes('listening'),
    });
    parts.defer(() => controlPlane.stop());
    ecs = new AwsEcs(`http://127.0.0.1:${PORT}`, IMAGE, inside);

    const cgroupParent = `/${namespace}-docker`;
    parts.defer(() => removeCgroups(cgroupParent));
    const dockerd = await startDaemon({
      command: enter,
      args: [
        ...into,
        ...['dockerd', '--data-root', scratch.path('docker'), '--exec-root', scratch.path('docker-run')],
        ...[
          '-H',
          `unix://${dockerSocket}`,
          '-p',
          scratch.path('docker.pid'),
          '--cgroup-parent',
          cgroupParent,
        ],
        ...['--iptables=false', '--bridge=none'],
      ],
      logFile: scratch.path('dockerd.log'),
      ready: () => accepts(dockerSocket),
      readyTimeoutMs: 60_000,
    });
    parts.defer(() => dockerd.stop());

    await run(join(repository, 'scripts/bundle'), ['--out', scratch.path('bundle')], { timeoutMs: 60_000 });
    mkdirSync(join(baseArchive, '..'), { recursive: true });
    await run(
      join(repository, 'scripts/make-image-root'),
      ['--bundle', scratch.path('bundle'), '--base', baseArchive, scratch.path('image/root')],
      { timeoutMs: 300_000 },
    );
    await docker(
      'build',
      '-q',
      '-t',
      'ecs-agent',
      '-f',
      join(repository, 'Dockerfile'),
      scratch.path('image'),
    );
    leaks = await leakCheck({
      containerd,
      namespaces: [namespace],
      cgroups: [`/${namespace}`],
      // dockerd keeps its host network mounted once it was used.
      ignore: (finding) => finding.includes(scratch.path('docker-run')),
    });
    const environment = agentEnvironment({
      controlPlaneUrl: ecs.url,
      containerdAddress: containerd.address,
      dataDir,
      runDir,
      namespace,
      logFile: '',
      env: { ECS_IMAGE_PULL_BEHAVIOR: 'prefer-cached', ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '10s' },
    });
    const containerdDir = join(containerd.address, '..');
    const settings = Object.entries(environment).filter(([name]) => name !== 'PATH');
    await docker(
      ...['run', '-d', '--name', 'agent', '--network=host', '--pid=host', '--cgroupns=host'],
      ...['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'].flatMap((name) => ['--cap-add', name]),
      ...['seccomp', 'apparmor', 'systempaths'].flatMap((name) => ['--security-opt', `${name}=unconfined`]),
      ...[scratch.directory, containerdDir, '/sys/fs/cgroup'].flatMap((path) => ['-v', `${path}:${path}`]),
      ...settings.flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      'ecs-agent',
    );
    parts.defer(async () => {
      await docker('rm', '-f', 'agent').catch(() => {});
    });
    await connected();
  }, 400_000);
  afterAll(async () => {
    await parts.disposeAsync();
  }, 60_000);

  it('runs a task on the containerd of the host', async () => {
    await ecs.register(
      'count',
      'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.02; done',
    );
    const [task] = await ecs.reach('RUNNING', await ecs.run('count'));
    if (task === undefined) throw new Error('not started');
    counting = task;
    await until(() => logLines().length > 20, { what: 'the container has written lines' });
    expect(await docker('ps', '-q')).toMatch(/^[0-9a-f]+\n$/);
  });

  it('is restarted without a trace in the task and with every line of its log', async () => {
    const before = await containerPid();
    await docker('restart', 'agent');
    await connected();
    const written = logLines().length;
    await until(() => logLines().length > written + 50, { what: 'the log goes on' });
    expect(await containerPid()).toBe(before);

    await docker('kill', 'agent');
    await docker('start', 'agent');
    await connected();
    await ecs.stop(counting.taskArn);
    const [stopped] = await ecs.reach('STOPPED', [counting.taskArn]);
    expect(stopped?.containers[0]).toMatchObject({ exitCode: 7 });
    const lines = logLines();
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
  });

  it('leaves nothing behind of the task, and nothing of itself when it is stopped', async () => {
    await until(async () => (await askAgent(runDir))?.tasks.length === 0, {
      what: 'the agent has forgotten its task',
      timeoutMs: 30_000,
    });
    expect(existsSync(join(dataDir, 'logs', counting.containers[0]?.runtimeId ?? ''))).toBe(false);
    await docker('stop', 'agent');
    await docker('rm', 'agent');
    await leaks.expectNone();
  });
});
