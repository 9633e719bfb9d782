import { z } from 'zod';
import { type RunCommand, runCommand } from '../../../src/host/run-command.ts';
import { BridgeLocalRoutes } from '../../../src/network/awsvpc/bridge-local-routes.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { CNI_DIRECTORIES, ensure, openAwsvpc } from './awsvpc-stage.ts';

/*
 * One call of an awsvpc network as a process of its own, in the namespace that plays the instance. KILL_AT=n: it
 * kills itself before the nth change of the host that it would make, the run of a program being one too.
 */
const settings = z
  .object({
    ACTION: z.enum(['ensure', 'remove']),
    TASK: z.string().transform((text) => JSON.parse(text) as TaskSpec),
    NAMESPACE: z.string(),
    RUN_DIR: z.string(),
    DESTINATION: z.string().optional(),
    KILL_AT: z.coerce.number(),
  })
  .parse(process.env);

let changes = 0;
function change(): void {
  changes += 1;
  if (changes === settings.KILL_AT) process.kill(process.pid, 'SIGKILL');
}
const mortal: RunCommand = async (program, args, options) => {
  change();
  return await runCommand(program, args, options);
};

const { NAMESPACE: namespace, RUN_DIR: runDir, TASK: task } = settings;
const network = await openAwsvpc(namespace, runDir, {
  run: mortal,
  onChange: change,
  ...(settings.DESTINATION !== undefined && {
    localRoutes: new BridgeLocalRoutes({
      runDir,
      namespace,
      pluginDirectories: CNI_DIRECTORIES,
      destinations: [settings.DESTINATION],
      run: mortal,
    }),
  }),
});
if (settings.ACTION === 'ensure') await ensure(network, task);
else {
  await network.removeTaskNetwork(task);
  await network.close();
}
process.exit(0);
