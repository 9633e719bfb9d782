import { mkdirSync, writeFileSync } from 'node:fs';
import type { TestContainerd } from '../support/containerd.ts';
import { importTestImage } from '../support/import-image.ts';
import { launchAgent } from '../support/launched-agent.ts';
import { RecordingControlPlane, type WireLine } from '../support/recording-control-plane.ts';
import { makeScratch } from '../support/scratch.ts';
import type { TestImage } from '../support/test-image.ts';
import { until } from '../support/until.ts';
import { metadataOf, type Recording, sentPayload } from './golden-recording.ts';

export interface ReplayParts {
  readonly containerd: TestContainerd;
  /** Pushed already; in containerd before the agent starts, as it was in dockerd for the recording. */
  readonly image: TestImage;
  readonly reference: string;
  readonly namespace: string;
  /** ARNs of the tasks of the recording that today's agent refuses. */
  readonly refused: ReadonlySet<string>;
}

/** What our agent did in a recorded scenario. */
export interface Replay {
  readonly lines: readonly WireLine[];
  readonly exitCode: number | string;
  readonly output: string;
}

const LIMIT_MS = 60_000;

/**
 * Runs our agent through a recorded scenario: each message goes out as soon as everything has come in that had
 * come in before it in the recording, and SIGTERM ends the agent.
 */
export async function replay(recording: Recording, parts: ReplayParts): Promise<Replay> {
  const { containerd, namespace, reference } = parts;
  await using scratch = makeScratch();
  const shareDirectory = scratch.path('share');
  mkdirSync(shareDirectory);
  writeFileSync(scratch.path('share', 'in'), 'in\n');
  await importTestImage(containerd, namespace, reference, parts.image);
  const { containerInstanceArn } = recording;
  await using double = await RecordingControlPlane.start({
    containerInstanceArn,
    imds: metadataOf(recording),
    answer: (op, body) =>
      op === 'RegisterContainerInstance'
        ? { status: 200, body: { containerInstance: { containerInstanceArn, attributes: body.attributes } } }
        : undefined,
  });
  await using agent = launchAgent({
    controlPlaneUrl: double.url,
    containerdAddress: containerd.address,
    dataDir: scratch.path('data'),
    runDir: scratch.path('run'),
    namespace,
    env: {
      ...recording.env,
      ECS_BACKEND_HOST: double.url,
      ECS_DATADIR: scratch.path('data'),
      ECS_HOST_DATA_DIR: scratch.path('data'),
      ECS_LOGFILE: scratch.path('agent.log'),
      ECS_AUDIT_LOGFILE: scratch.path('audit.log'),
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: double.url,
    },
  });
  const arrived = async (line: WireLine, count: number) => {
    const wanted = labelOf(line);
    const gone = agent.ended.then((status) => {
      throw new Error(`the agent ended with ${status}`);
    });
    const come = until(() => double.received((one) => labelOf(one) === wanted).length >= count, {
      what: `the agent has sent ${wanted} (${count}.)`,
      timeoutMs: LIMIT_MS,
    });
    await Promise.race([come, gone]).catch((cause: unknown) => {
      throw new Error(`the agent said: ${agent.output().slice(-4000)}`, { cause });
    });
  };
  const stage = { image: reference, shareDirectory };
  const counts = new Map<string, number>();
  for (const line of recording.lines) {
    const label = labelOf(line);
    if (line.dir === 'out' && line.ch === 'acs' && line.event === 'message') {
      const { type = '', message = {} } = line;
      double.send('acs', type, type === 'PayloadMessage' ? sentPayload(message, stage) : message);
    } else if (line.dir === 'in' && label !== '' && isExpected(line, parts.refused)) {
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      await arrived(line, count);
    }
  }
  agent.signal('SIGTERM');
  const exitCode = await agent.ended;
  await until(() => !double.connected('acs') && !double.connected('tcs'), {
    what: 'both sockets have ended',
  });
  return { lines: [...double.lines], exitCode, output: agent.output() };
}

/** What tells one message from another; empty for what no scenario waits for. */
function labelOf({ ch, op, event, type, body, message }: WireLine): string {
  if (op !== undefined) return `${op} ${String(body?.task ?? '')} ${String(body?.status ?? '')}`;
  if (event === 'upgrade') return `${ch} upgrade`;
  if (event === 'message') return `${ch} ${type ?? ''} ${ch === 'acs' ? String(message?.messageId) : ''}`;
  return '';
}

/** A refused task says nothing but STOPPED. */
function isExpected({ body }: WireLine, refused: ReadonlySet<string>): boolean {
  return !refused.has(String(body?.task)) || body?.status === 'STOPPED';
}
