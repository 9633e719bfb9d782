import { ECSClient } from '@aws-sdk/client-ecs';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../../src/control-plane/control-plane.ts';
import { makeScratch } from '../../support/scratch.ts';
import { KEYS } from './agent-double.ts';

/** A control plane on a free port of loopback with a state directory of its own, and a client of it. */
export interface Stage extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly ecs: ECSClient;
  readonly stateDirectory: string;
}

export function client(endpoint: string, credentials = KEYS): ECSClient {
  return new ECSClient({ endpoint, region: 'us-west-2', credentials });
}

export async function stage(options: Partial<ControlPlaneOptions> = {}): Promise<Stage> {
  const scratch = makeScratch();
  const { stateDirectory = scratch.directory } = options;
  const controlPlane = await startControlPlane({ port: 0, tickMs: 20, ...options, stateDirectory });
  const ecs = client(controlPlane.url);
  return {
    controlPlane,
    ecs,
    stateDirectory,
    async [Symbol.asyncDispose]() {
      ecs.destroy();
      await controlPlane.close();
      await scratch.remove();
    },
  };
}
