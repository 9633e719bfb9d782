import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import { readTaskDefinition, runTaskDefinition, takeDown } from '../src/ecs-local/commands.ts';
import { LocalStack, SYSTEM_CONTAINERD } from '../src/ecs-local/stack.ts';
import { formatBytes } from '../src/ecs-local/table.ts';
import { tellLine } from '../src/ecs-local/tell-line.ts';
import { pushTestImage } from '../test/support/push-image.ts';
import { startRegistry } from '../test/support/registry.ts';

const KEPT_DIRECTORY = '/var/lib/ecs-local';

/** A task that says something twice a second for three seconds and ends well. */
function demoDefinition(image: string): RegisterTaskDefinitionCommandInput {
  return {
    family: 'quickstart',
    networkMode: 'host',
    containerDefinitions: [
      {
        name: 'demo',
        image,
        essential: true,
        memory: 64,
        environment: [{ name: 'GREETING', value: 'Hello from containerd, no Docker daemon involved' }],
        command: [
          'sh',
          '-c',
          'echo "$GREETING"; i=1; while [ $i -le 5 ]; do echo "working, step $i of 5"; sleep 0.5; i=$((i+1)); done; echo done',
        ],
      },
    ],
  };
}

const say = (label: string, text: string) => console.log(`  ${label.padEnd(14)} ${text}`);

async function quickstart(args: readonly string[]): Promise<number> {
  const keep = args.includes('--keep');
  const [file] = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--keep');
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}; see quickstart --help`);
  const own = file === undefined ? undefined : readTaskDefinition(file);

  console.log('\nStarting an ECS of its own on this machine:');
  const begun = performance.now();
  await using registry = own === undefined ? await startRegistry() : undefined;
  let definition = own;
  if (registry !== undefined) {
    const pushed = await pushTestImage(registry, 'demo:1', { cmd: ['sh'] });
    const bytes = pushed.image.native.layers.reduce((sum, layer) => sum + layer.size, 0);
    say('registry', `${registry.host} holds demo:1 (busybox, ${formatBytes(bytes)})`);
    definition = demoDefinition(pushed.reference);
  }
  if (definition === undefined) throw new Error('no task definition');
  const directory = keep ? KEPT_DIRECTORY : realpathSync(mkdtempSync(join(tmpdir(), 'ecs-quickstart-')));
  const stack = await LocalStack.up({
    directory,
    port: 0,
    cluster: 'default',
    agentEnvironment: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: keep ? '10m' : '1s' },
  });
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  try {
    const { record } = stack;
    const system = record.containerdAddress === SYSTEM_CONTAINERD ? "the system's" : 'its own';
    say('containerd', `${record.containerdAddress} (${system})`);
    say('control plane', record.controlPlaneUrl);
    say(
      'agent',
      `registered and connected over ACS after ${((performance.now() - begun) / 1000).toFixed(1)} s`,
    );
    console.log(`\nRegistering task definition ${definition.family} and running one task of it:`);
    const { ended } = await runTaskDefinition(record, definition, {
      count: 1,
      tell: tellLine,
      signal: interrupted.signal,
    });
    const succeeded = ended?.containers?.every((container) => container.exitCode === 0) === true;
    console.log(
      succeeded ? '\nThe task ended well.' : '\nThe task failed; see its exit codes and reasons above.',
    );
    if (keep) console.log(`The stack goes on running in ${directory}: npm run ecs-local -- ps --all`);
    return succeeded ? 0 : 1;
  } finally {
    if (!keep) await takeDown(stack);
  }
}

try {
  process.exit(await quickstart(process.argv.slice(2)));
} catch (error) {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
