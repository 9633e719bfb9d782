import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { taskArn } from '../../../src/task/ids.ts';
import { received } from './session-server.ts';
import { SessionStage, signer } from './session-stage.ts';

interface Line {
  readonly n: number;
  readonly ch: string;
  readonly dir: string;
  readonly event?: string;
  readonly type?: string;
  readonly message: Record<string, unknown>;
  readonly rawUrl: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
}

function golden(name: string): readonly Line[] {
  const text = readFileSync(new URL(`../../golden/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const acsMessages = (lines: readonly Line[], dir: 'in' | 'out') =>
  lines.filter((line) => line.ch === 'acs' && line.event === 'message' && line.dir === dir);

/** Starts a session that calls itself what the recorded agent did. */
async function startAs(upgrade: Line): Promise<SessionStage> {
  const { query } = upgrade;
  const keys = signer({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' });
  return SessionStage.start({
    identity: {
      cluster: query.clusterArn ?? '',
      containerInstanceArn: query.containerInstanceArn ?? '',
      agentVersion: query.agentVersion ?? '',
      agentHash: query.agentHash ?? '',
      dockerVersion: 'containerd',
      userAgent: 'ours',
    },
    signUpgrade: (url) => keys.signUpgrade(url),
  });
}

function upgradeOf(lines: readonly Line[]): Line {
  const upgrade = lines.find((line) => line.ch === 'acs' && line.event === 'upgrade');
  if (upgrade === undefined) throw new Error('no upgrade was recorded');
  return upgrade;
}

describe('recorded ACS traffic', () => {
  it('has the same upgrade but for the runtime, the user agent and the signature (OBS-45, OBS-47)', async () => {
    const upgrade = upgradeOf(golden('01-registration'));
    await using stage = await startAs(upgrade);
    const { request } = await stage.server.connection(0);
    expect(request.url).toBe(upgrade.rawUrl.replace(/dockerVersion=[^&]*/, 'dockerVersion=containerd'));
    expect(Object.keys(request.headers).sort()).toEqual(Object.keys(upgrade.headers).sort());
    const shape = (headers: Record<string, unknown>) =>
      String(headers.authorization)
        .replace(/\/\d{8}\//, '/DATE/')
        .replace(/Signature=.*/, 'Signature');
    expect(shape(request.headers)).toBe(shape(upgrade.headers));
    for (const name of ['connection', 'upgrade', 'sec-websocket-version'])
      expect(request.headers[name]).toBe(upgrade.headers[name]);
  });

  it.each(['01-registration', '02-run-exit0', '03-stop', '05-depends-on', '08-ports', '11-volumes'])(
    '%s is answered with the same messages',
    async (name) => {
      const lines = golden(name);
      await using stage = await startAs(upgradeOf(lines));
      const side = await stage.server.connection(0);
      for (const { type, message } of acsMessages(lines, 'out'))
        side.webSocket.send(JSON.stringify({ type, message }));
      const expected = acsMessages(lines, 'in').map(({ type, message }) => ({ type, message }));
      const answers = await received(side, expected.length);
      const sorted = (list: readonly object[]) =>
        list.map((one) => JSON.stringify(one, Object.keys(flat(one)).sort())).sort();
      expect(sorted(answers)).toEqual(sorted(expected));
      for (const { arn } of acsMessages(lines, 'out').flatMap((line) => tasksOf(line)))
        expect(stage.intake.knows(taskArn(arn))).toBe(true);
    },
  );
});

function tasksOf({ message }: Line): readonly { arn: string }[] {
  return Array.isArray(message.tasks) ? message.tasks : [];
}

/** All member names of a message, at both of its levels. */
function flat(one: object): Record<string, unknown> {
  return { ...one, ...('message' in one && typeof one.message === 'object' ? one.message : {}) };
}
