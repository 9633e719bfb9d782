import { z } from '../../schema.ts';

/** Labels of ours that only this runtime needs: whose a container is, and its id in the port's sense. */
export const LABEL_ID = 'ecs-containerd-agent.id';
export const LABEL_OWNER = 'ecs-containerd-agent.owner';
/** `CreateContainer.keepsake` in base64. */
export const LABEL_KEEPSAKE = 'ecs-containerd-agent.keepsake';

/** Begins a mode, such as that of its network, of a container that has a namespace of another one. */
export const OF_CONTAINER = 'container:';

const text = z.catch(z.string(), '');
const labels = z.nullish(z.record(z.string(), z.string()));

/** `GET /version`. */
export const versionSchema = z.looseObject({ Version: z.string(), ApiVersion: z.string() });

/** `GET /info`. */
export const infoSchema = z.looseObject({
  DockerRootDir: z.optional(z.string()),
  Plugins: z.nullish(z.looseObject({ Log: z.nullish(z.array(z.string())) })),
});

/** `GET /networks/bridge`. */
export const bridgeSchema = z.looseObject({ Options: z.nullish(z.record(z.string(), z.string())) });

const publishedPorts = z.nullish(
  z.record(z.string(), z.nullish(z.array(z.looseObject({ HostIp: text, HostPort: text })))),
);

/** `GET /containers/{id}/json`. */
export const containerSchema = z.looseObject({
  Id: z.string(),
  State: z.looseObject({
    Status: z.string(),
    Pid: z.number(),
    ExitCode: z.number(),
    OOMKilled: z.catch(z.boolean(), false),
    Error: text,
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.looseObject({ Labels: labels }),
  HostConfig: z.looseObject({ NetworkMode: text }),
  NetworkSettings: z.looseObject({
    Ports: publishedPorts,
    IPAddress: text,
    GlobalIPv6Address: text,
  }),
});
export type DockerContainer = z.output<typeof containerSchema>;

/** `GET /containers/json`. */
export const containerListSchema = z.array(z.looseObject({ Id: z.string(), Labels: labels }));

/** `POST /containers/create`. */
export const createdSchema = z.looseObject({ Id: z.string() });

/** `GET /exec/{id}/json`. */
export const execSchema = z.looseObject({
  Running: z.boolean(),
  ExitCode: z.nullish(z.number()),
  Pid: z.nullish(z.number()),
});

/** A line of `GET /events`. */
export const eventSchema = z.looseObject({
  Action: z.string(),
  Actor: z.looseObject({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

/** `GET /images/{name}/json`. */
export const imageSchema = z.looseObject({
  Id: z.string(),
  RepoDigests: z.nullish(z.array(z.string())),
  Size: z.catch(z.number(), 0),
  Config: z.nullish(
    z.looseObject({
      Env: z.nullish(z.array(z.string())),
      Entrypoint: z.nullish(z.array(z.string())),
      Cmd: z.nullish(z.array(z.string())),
      User: text,
      WorkingDir: text,
      StopSignal: text,
      Volumes: z.nullish(z.record(z.string(), z.unknown())),
      ExposedPorts: z.nullish(z.record(z.string(), z.unknown())),
    }),
  ),
});

/** `GET /images/json`. */
export const imageListSchema = z.array(
  z.looseObject({
    Id: z.string(),
    RepoTags: z.nullish(z.array(z.string())),
    RepoDigests: z.nullish(z.array(z.string())),
    Size: z.catch(z.number(), 0),
    /** Epoch s. */
    Created: z.catch(z.number(), 0),
  }),
);

/** A line of `POST /images/create`. */
export const pullLineSchema = z.looseObject({
  id: z.optional(z.string()),
  status: z.optional(z.string()),
  error: z.optional(z.string()),
  progressDetail: z.optional(
    z.looseObject({ current: z.optional(z.number()), total: z.optional(z.number()) }),
  ),
});

/** Epoch ms; undefined for Go's zero time, which says that it never happened. */
export function timeOf(text: string): number | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= 0 ? undefined : at;
}
