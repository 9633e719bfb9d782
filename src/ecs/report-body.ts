import { wallTimeOf } from '../async/clock.ts';
import type { PortBinding } from '../task/port-mapping.ts';
import type { ContainerReport, StateReport } from '../task/report.ts';
import type { NetworkBinding, SubmitTaskStateChangeRequest } from './ecs-api.ts';

/** Limits of ECS, in bytes (ecs-api.md §A4.4). */
const REASON_BYTES = 1024;
const ID_BYTES = 255;

/**
 * The SubmitTaskStateChange request of a report (ecs-api.md §A4.4, §C3). `reason` is there even when it is
 * empty; what is not known is left out, an empty container list too.
 */
export function submitBody(report: StateReport, cluster: string): SubmitTaskStateChangeRequest {
  return {
    cluster,
    ...(report.containers.length > 0 && { containers: report.containers.map(containerChange) }),
    ...(report.executionStoppedAt !== undefined && {
      executionStoppedAt: epochSeconds(report.executionStoppedAt),
    }),
    ...(report.pullStartedAt !== undefined && { pullStartedAt: epochSeconds(report.pullStartedAt) }),
    ...(report.pullStoppedAt !== undefined && { pullStoppedAt: epochSeconds(report.pullStoppedAt) }),
    reason: cutToBytes(report.reason, REASON_BYTES),
    status: report.status,
    task: report.task,
  };
}

type ContainerChange = NonNullable<SubmitTaskStateChangeRequest['containers']>[number];

function containerChange(container: ContainerReport): ContainerChange {
  return {
    containerName: container.containerName,
    ...(container.exitCode !== undefined && { exitCode: container.exitCode }),
    ...(container.imageDigest !== undefined && { imageDigest: cutToBytes(container.imageDigest, ID_BYTES) }),
    ...(container.portBindings !== undefined && {
      networkBindings: container.portBindings.map(networkBinding),
    }),
    ...(container.reason !== undefined && { reason: cutToBytes(container.reason, REASON_BYTES) }),
    ...(container.runtimeId !== undefined && { runtimeId: cutToBytes(container.runtimeId, ID_BYTES) }),
    status: container.status,
  };
}

function networkBinding(binding: PortBinding): NetworkBinding {
  const { bindIp, containerPort, hostPort, protocol, rangeLength } = binding;
  if (rangeLength === undefined) return { bindIP: bindIp, containerPort, hostPort, protocol };
  const rangeFrom = (first: number) => `${first}-${first + rangeLength - 1}`;
  return {
    bindIP: bindIp,
    containerPortRange: rangeFrom(containerPort),
    hostPortRange: rangeFrom(hostPort),
    protocol,
  };
}

/** By the machine's clock, with at most three decimals, none on a whole second (OBS-14). */
function epochSeconds(steadyMs: number): number {
  return Math.round(wallTimeOf(steadyMs)) / 1000;
}

/** The longest beginning that fits into `limit` bytes of UTF-8 and ends with a whole character. */
function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let end = limit;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
