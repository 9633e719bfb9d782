import type { Config } from './config/config.ts';
import { readFileIfAny } from './config/read-file.ts';
import { type HostGpus, NO_GPUS, readGpuInfo } from './host/gpus.ts';

/**
 * The GPUs that tasks may have: those of the information file, with ECS_ENABLE_GPU_SUPPORT. Without that file the
 * agent goes on without GPUs and `onMissing` is told; rejects when the file cannot be understood.
 */
export async function findGpus(
  { gpuSupport, gpuInfoFile }: Config,
  onMissing: (text: string) => void,
): Promise<HostGpus> {
  if (!gpuSupport) return NO_GPUS;
  const gpus = await readGpuInfo(gpuInfoFile, readFileIfAny);
  if (gpus === undefined)
    onMissing(
      `ECS_ENABLE_GPU_SUPPORT is on, but ${gpuInfoFile}, which tells the GPUs of this host, cannot be read; going on without GPUs`,
    );
  return gpus ?? NO_GPUS;
}

/** What the runtime calls NVIDIA's OCI runtime: dockerd by a name of its configuration, containerd by its program. */
export function gpuRuntimeOf({ runtime, nvidiaRuntime }: Config): string {
  return runtime === 'containerd' && nvidiaRuntime === 'nvidia' ? 'nvidia-container-runtime' : nvidiaRuntime;
}
