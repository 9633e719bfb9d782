import { request } from 'node:http';
import { join } from 'node:path';
import { z } from '../schema.ts';

const progressSchema = z.object({
  bytesDone: z.number(),
  bytesTotal: z.number(),
  layersUnpacked: z.number(),
  layersTotal: z.number(),
  bytesPerSecond: z.optional(z.number()),
  secondsLeft: z.optional(z.number()),
  trouble: z.optional(z.string()),
  laziness: z.optional(
    z.object({ lazyLayers: z.number(), layers: z.number(), inFull: z.exactOptional(z.string()) }),
  ),
});

/** How far a pull is. */
export type PullProgressDocument = z.infer<typeof progressSchema>;

const stepSchema = z.looseObject({
  kind: z.string(),
  container: z.optional(z.string()),
  since: z.string(),
  progress: z.optional(progressSchema),
});

const whySchema = z.looseObject({
  container: z.optional(z.string()),
  reason: z.string(),
  since: z.string(),
  what: z.string(),
  unblock: z.string(),
});

const agentSchema = z.looseObject({
  containerInstanceArn: z.nullable(z.string()),
  acs: z.looseObject({ connected: z.boolean(), lastError: z.optional(z.string()) }),
  tasks: z.array(
    z.looseObject({
      arn: z.string(),
      known: z.string(),
      desired: z.string(),
      containers: z.array(
        z.looseObject({
          name: z.string(),
          logComplete: z.boolean(),
          /** Starts by its restart policy; absent: none. */
          restarts: z.optional(z.number()),
        }),
      ),
      why: z.array(whySchema),
      steps: z.array(stepSchema),
      stuck: z.array(z.extend(stepSchema, { error: z.string() })),
    }),
  ),
});

export type AgentDocument = z.infer<typeof agentSchema>;

/** What the agent says of itself over its introspection socket; undefined while it does not answer. */
export async function askAgent(runDir: string): Promise<AgentDocument | undefined> {
  try {
    return agentSchema.parse(await get(join(runDir, 'introspection.sock'), '/v1/agent'));
  } catch {
    return undefined;
  }
}

async function get(socketPath: string, path: string): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const call = request({ socketPath, path, timeout: 2_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch (error) {
          reject(error);
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error('the agent does not answer')));
    call.on('error', reject).end();
  });
}
