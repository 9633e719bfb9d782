import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import {
  listTasks,
  printLogs,
  readTaskDefinition,
  runTaskDefinition,
  stopTask,
  takeDown,
} from './commands.ts';
import { containerSummary, shortId } from './ecs-client.ts';
import { LocalStack } from './stack.ts';
import { tellLine } from './tell-line.ts';
import { explainTask } from './why.ts';

const DEFAULT_DIRECTORY = '/var/lib/ecs-local';
/** Stopped tasks can be looked at that long. */
const CLEANUP_WAIT = '10m';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));

const program = new Command('ecs-local')
  .description('Runs ECS task definitions on this machine: a local control plane, the agent and containerd.')
  .option('--dir <directory>', 'where the local stack lives', process.env.ECS_LOCAL_DIR ?? DEFAULT_DIRECTORY)
  .configureHelp({ showGlobalOptions: true });

const stack = () => LocalStack.find(resolve(program.opts<{ dir: string }>().dir));

program
  .command('up')
  .description('start containerd (unless the system has one), the control plane and the agent')
  .option('--port <port>', 'port of the control plane; 0 takes a free one', integer, 8645)
  .option('--containerd <socket>', 'use this containerd')
  .action(async (options: { port: number; containerd?: string }) => {
    const { record } = await LocalStack.up({
      directory: resolve(program.opts<{ dir: string }>().dir),
      port: options.port,
      cluster: 'default',
      ...(options.containerd !== undefined && { containerdAddress: options.containerd }),
      agentEnvironment: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: CLEANUP_WAIT },
    });
    console.log(`The agent is connected; containerd answers at ${record.containerdAddress}.\n`);
    console.log('  npm run ecs-local -- run TASKDEF.json --watch\n');
    console.log('or with the AWS CLI:\n');
    console.log(
      `  export AWS_ACCESS_KEY_ID=${record.accessKeyId} AWS_SECRET_ACCESS_KEY=${record.secretAccessKey}`,
    );
    console.log(
      `  aws ecs list-container-instances --endpoint-url ${record.controlPlaneUrl} --region ${record.region}`,
    );
  });

program
  .command('run <taskdef.json>')
  .description('register a task definition and run it')
  .option('--count <n>', 'how many tasks', integer, 1)
  .option('-w, --watch', 'follow the task to its end; exits with 0 only if the task did')
  .action(async (file: string, options: { count: number; watch?: true }) => {
    const { record } = stack();
    const { name, taskArns, ended } = await runTaskDefinition(record, readTaskDefinition(file), {
      count: options.count,
      signal: interrupted.signal,
      ...(options.watch && { tell: tellLine }),
    });
    if (ended === undefined) for (const arn of taskArns) console.log(`${name}  ${arn}`);
    else if (!succeeded(ended.containers)) process.exitCode = 1;
  });

program
  .command('ps')
  .description('list tasks')
  .option('-a, --all', 'stopped ones too')
  .action(async (options: { all?: true }) =>
    console.log(await listTasks(stack().record, options.all === true)),
  );

program
  .command('logs <task> [container]')
  .description('print what containers wrote; a task is named by its ARN or the beginning of its id')
  .option('-f, --follow', 'go on as more comes')
  .option('--tail <n>', 'only the last lines', integer)
  .option('--since <time>', 'only lines after this time (2026-01-31T12:00:00Z) or age (10m, 2h)', since)
  .option('-t, --timestamps', 'with the time of each line')
  .action(
    async (
      task: string,
      container: string | undefined,
      options: { follow?: true; tail?: number; since?: Date; timestamps?: true },
    ) => {
      await printLogs(
        stack().record,
        task,
        {
          follow: options.follow === true,
          timestamps: options.timestamps === true,
          ...(container !== undefined && { container }),
          ...(options.tail !== undefined && { tail: options.tail }),
          ...(options.since !== undefined && { since: options.since }),
        },
        (line, stream) => process[stream].write(`${line}\n`),
        interrupted.signal,
      );
    },
  );

program
  .command('stop <task>')
  .description('stop a task and wait for its end')
  .action(async (name: string) => {
    const task = await stopTask(stack().record, name);
    console.log(`${shortId(task)}  ${(task.containers ?? []).map(containerSummary).join('; ')}`);
  });

program
  .command('down')
  .description('stop all tasks and end everything that `up` started')
  .action(async () => {
    await takeDown(stack());
    console.log('Everything that `up` started has ended.');
  });

program
  .command('why <task>')
  .description('say what a task waits for, since when, and what would let it go on')
  .action(async (name: string) => console.log(await explainTask(stack().record, name)));

function succeeded(containers: readonly { readonly exitCode?: number | undefined }[] | undefined): boolean {
  return containers?.every((container) => container.exitCode === 0) === true;
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number');
  return value;
}

function since(text: string): Date {
  const age = /^(\d+)([smhd])$/.exec(text);
  const unitMs = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[age?.[2] ?? ''];
  const date = unitMs === undefined ? new Date(text) : new Date(Date.now() - Number(age?.[1]) * unitMs);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('neither a time nor an age like 10m');
  return date;
}

/** Does what the command line asks for; sets the exit status. */
export async function runCommandLine(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (interrupted.signal.aborted) process.exitCode = 130;
    else {
      console.error(`ecs-local: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}
