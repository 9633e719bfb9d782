import { createHash } from 'node:crypto';
import { taskPayload } from '../../../src/control-plane/payload/task-payload.ts';
import { type PayloadTask, payloadTaskSchema } from '../../../src/wire/acs-payload.ts';
import { definition, definitionRecord, SCOPE, taskRecord } from '../../unit/control-plane/records.ts';
import type { ParityCase } from './cases.ts';

const MEMORY_MIB = 64;
/** Shares as any other program's: with the two of `cpu: 0` a busy machine would not let a container go on. */
const CPU = 1024;

/** The task as ECS sends it, with an ARN of its own for each runtime. */
export function payloadOf({ name, container, task, image = 'plain' }: ParityCase, side: string): PayloadTask {
  const given = definition({
    networkMode: 'none',
    containerDefinitions: [
      {
        name: 'app',
        image: `parity:${image}`,
        memory: MEMORY_MIB,
        cpu: CPU,
        ...(image === 'plain' && { command: ['probe'] }),
        ...container,
      },
    ],
    ...task,
  });
  const id = createHash('sha256').update(`${side} ${name}`).digest('hex').slice(0, 32);
  const record = taskRecord(given, { taskArn: `arn:aws:ecs:us-west-2:123456789012:task/default/${id}` });
  const payload = taskPayload(record, definitionRecord(given), SCOPE);
  return payloadTaskSchema.parse(JSON.parse(JSON.stringify(payload)));
}
