import { join } from 'node:path';
import { AwsEcs } from '../support/aws-ecs.ts';
import { accepts, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { pushTestImage } from '../support/push-image.ts';
import { startRegistry } from '../support/registry.ts';
import { run } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';
import { Machine } from './machine.ts';

const repository = join(import.meta.dirname, '../..');

/** Seconds; long enough to look at what a stopped task leaves until then. */
const CLEANUP_WAIT = '40s';

export interface VmWorldOptions {
  /** The agent's, beside and instead of the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly controlPlaneArgs?: readonly string[];
}

/**
 * A machine with containerd and no Docker on which the agent is installed, and beside it on this host control
 * plane, registry and AWS CLI. The agent is not started yet.
 */
export class VmWorld extends AwsEcs implements AsyncDisposable {
  readonly machine: Machine;
  /** The agent's settings without the cluster, one `NAME=value` a line. */
  readonly #settings: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    { url, image, settings = {} }: { url: string; image: string } & VmWorldOptions,
    machine: Machine,
    parts: AsyncDisposableStack,
  ) {
    super(url, image);
    this.machine = machine;
    this.#parts = parts;
    const all = {
      ECS_BACKEND_HOST: url,
      AWS_DEFAULT_REGION: 'us-west-2',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: CLEANUP_WAIT,
      ...settings,
    };
    this.#settings = Object.entries(all)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n');
  }

  static async start(options: VmWorldOptions = {}): Promise<VmWorld> {
    const parts = new AsyncDisposableStack();
    try {
      const scratch = parts.use(makeScratch());
      const registry = parts.use(await startRegistry());
      const { reference: image } = await pushTestImage(registry, 'busybox:1');
      const bundle = scratch.path('bundle');
      await run(join(repository, 'scripts/bundle'), ['--out', bundle], { timeoutMs: 120_000 });
      const port = await freePort();
      const controlPlane = await startDaemon({
        command: join(bundle, 'node'),
        args: [
          join(bundle, 'lib/control-plane.js'),
          ...['--port', String(port), '--state-dir', scratch.path('control-plane')],
          ...['--access-key', 'test', '--secret-key', 'test'],
          ...(options.controlPlaneArgs ?? []),
        ],
        logFile: scratch.path('control-plane.log'),
        ready: () => accepts(port),
      });
      parts.defer(() => controlPlane.stop());
      const machine = parts.use(
        await Machine.boot({ bundle, logFile: scratch.path('machine.log'), ports: [port, registry.port] }),
      );
      const world = new VmWorld({ url: `http://127.0.0.1:${port}`, image, ...options }, machine, parts);
      await world.aws('create-cluster', '--cluster-name', 'default');
      await world.joinCluster('default');
      await machine.run('/repo/scripts/install --bundle /bundle');
      return world;
    } catch (error) {
      await parts.disposeAsync();
      throw error;
    }
  }

  /** Writes /etc/ecs/ecs.config. The agent reads it at its next start. */
  async joinCluster(cluster: string): Promise<void> {
    await this.machine.run(
      `mkdir -p /etc/ecs && cat > /etc/ecs/ecs.config <<'END'\nECS_CLUSTER=${cluster}\n${this.#settings}\nEND`,
    );
  }

  /** Properties of a unit of the machine's systemd. */
  async unit(name: string): Promise<Readonly<Record<string, string>>> {
    const text = await this.machine.run(`systemctl show ${name}`);
    return Object.fromEntries(
      text.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  /** Main process of a unit that runs; rejects when it does not: pid 0 would mean us to kill(2). */
  async mainPid(name: string): Promise<string> {
    const { MainPID: pid = '0' } = await this.unit(name);
    if (pid === '0') throw new Error(`${name} does not run`);
    return pid;
  }

  /** Waits until the agent is a running service that is connected to the control plane. */
  async connected(): Promise<void> {
    await this.machine.reach(
      'systemctl show ecs --property=ActiveState --property=StatusText',
      (text) => text.includes('ActiveState=active') && text.includes('StatusText=connected to ECS'),
    );
  }

  /** The lines that a container has written so far, in order. */
  async logLines(containerId: string): Promise<readonly string[]> {
    const text = await this.machine.run(`cat /var/lib/ecs/data/logs/${containerId}/${containerId}-json.log`);
    return text.split('\n').map((line) => (JSON.parse(line) as { readonly log: string }).log.trimEnd());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
