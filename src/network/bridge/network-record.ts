import { z } from '../../schema.ts';
import { type ContainerId, containerId, type TaskId } from '../../task/ids.ts';
import { RecordFiles } from '../record-files.ts';
import type { ContainerAddress } from './container-address.ts';

const bindingSchema = z.object({
  protocol: z.enum(['tcp', 'udp']),
  containerPort: z.int(),
  hostPort: z.int(),
  rangeLength: z.exactOptional(z.int()),
});

const recordSchema = z.object({
  version: z.literal(1),
  id: z.pipe(z.string(), z.transform(containerId)),
  task: z.pipe(
    z.string(),
    z.transform((value) => value as TaskId),
  ),
  /** Whose it is, for whoever wants the same port. */
  owner: z.string(),
  bindings: z.array(bindingSchema),
  /** Absent in a record of an earlier version of the agent whose container never had a link. */
  address4: z.exactOptional(z.string()),
  address6: z.exactOptional(z.string()),
  /** The spare whose namespace and link it took; absent: both were made for it. */
  spare: z.exactOptional(z.object({ id: z.pipe(z.string(), z.transform(containerId)), hostEnd: z.string() })),
});

/** What one container has of the network; written before it is used. */
export type NetworkRecord = z.output<typeof recordSchema>;

export type AddressedRecord = NetworkRecord & ContainerAddress;

export function isAddressed(record: NetworkRecord): record is AddressedRecord {
  return record.address4 !== undefined;
}

/** Records of containers, kept until a container has let go of everything. */
export type NetworkRecords = RecordFiles<ContainerId, NetworkRecord>;

export function openNetworkRecords(directory: string): NetworkRecords {
  return new RecordFiles(directory, recordSchema, (id: ContainerId) => `${id}.json`);
}
