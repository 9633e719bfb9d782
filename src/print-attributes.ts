import { findGpus } from './agent-gpus.ts';
import type { AgentArguments } from './config/arguments.ts';
import { LOG_DRIVERS } from './container-log/log-config.ts';
import { capabilities } from './ecs/capabilities.ts';
import { IMPLEMENTED_FEATURES } from './ecs/implemented-features.ts';
import { formatAttributes } from './ecs/registration-request.ts';
import { observeFaultProblem } from './network/fault/network-faults.ts';
import { prepare } from './run-agent.ts';

/** `-ecs-attributes`: prints the capabilities that would be registered, a line each. */
export async function printAttributes(args: AgentArguments): Promise<number> {
  const { config } = await prepare(args);
  const { driverVersion } = await findGpus(config, (text) => console.error(text));
  console.log(
    formatAttributes(
      capabilities({
        config,
        features: IMPLEMENTED_FEATURES,
        loggingDrivers: LOG_DRIVERS,
        taskCgroupsUsable: config.taskCpuMemLimit !== 'off',
        taskEniUsable: false,
        vlansUsable: false,
        faultsUsable: (await observeFaultProblem()) === undefined,
        ...(driverVersion !== undefined && { gpuDriverVersion: driverVersion }),
      }),
    ),
  );
  return 0;
}
