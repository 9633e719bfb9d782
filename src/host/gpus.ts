import { z } from '../schema.ts';

/** NVIDIA GPUs of this host that tasks may have. */
export interface HostGpus {
  /** Absent: it is not known. */
  readonly driverVersion?: string;
  /** `GPU-…` each, as the driver names them. */
  readonly ids: readonly string[];
}

export const NO_GPUS: HostGpus = { ids: [] };

const infoFile = z.object({
  DriverVersion: z.nullish(z.string().check(z.trim())),
  GPUIDs: z.nullish(z.array(z.string().check(z.trim(), z.minLength(1)))),
});

/**
 * Reads the file that tells which GPUs there are, `{"DriverVersion","GPUIDs"}` (resources.md §11.1). Undefined when
 * there is no such file; throws an `Error` that names it when it cannot be understood.
 */
export async function readGpuInfo(
  path: string,
  readFile: (path: string) => Promise<string | undefined>,
): Promise<HostGpus | undefined> {
  const text = await readFile(path);
  if (text === undefined) return undefined;
  const info = parseInfo(path, text);
  return {
    ids: [...new Set(info.GPUIDs ?? [])],
    ...(info.DriverVersion && { driverVersion: info.DriverVersion }),
  };
}

function parseInfo(path: string, text: string): z.output<typeof infoFile> {
  try {
    return infoFile.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${path} does not tell the GPUs of this host: it has to be {"DriverVersion": "…", "GPUIDs": ["GPU-…"]}; mend it, or unset ECS_ENABLE_GPU_SUPPORT`,
      { cause: error },
    );
  }
}
