import { z } from 'zod';

/** The members of ECS's answers that the agent uses (ecs-api.md §A4); all others pass. */
export const registeredSchema = z.looseObject({
  containerInstance: z.looseObject({
    containerInstanceArn: z.string().min(1),
    attributes: z
      .array(z.looseObject({ name: z.string(), value: z.string().nullish() }))
      .nullish()
      .transform((list) => list ?? []),
  }),
});

export const pollEndpointsSchema = z.looseObject({
  endpoint: z.string().min(1),
  telemetryEndpoint: z.string().nullish(),
});

/** Body of an error answer in AWS JSON 1.1. */
export const errorSchema = z.looseObject({
  __type: z.string().optional(),
  message: z.string().optional(),
  Message: z.string().optional(),
});
