import { z } from '../schema.ts';

/** The members of ECS's answers that the agent uses (ecs-api.md §A4); all others pass. */
export const registeredSchema = z.looseObject({
  containerInstance: z.looseObject({
    containerInstanceArn: z.string().check(z.minLength(1)),
    attributes: z.pipe(
      z.nullish(z.array(z.looseObject({ name: z.string(), value: z.nullish(z.string()) }))),
      z.transform((list) => list ?? []),
    ),
  }),
});

export const pollEndpointsSchema = z.looseObject({
  endpoint: z.string().check(z.minLength(1)),
  telemetryEndpoint: z.nullish(z.string()),
});

/** Body of an error answer in AWS JSON 1.1. */
export const errorSchema = z.looseObject({
  __type: z.optional(z.string()),
  message: z.optional(z.string()),
  Message: z.optional(z.string()),
});
