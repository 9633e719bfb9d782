import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../../../src/control-plane/http/signature.ts';
import { InstanceHealth } from '../../../src/telemetry/instance-health.ts';
import { TelemetrySession } from '../../../src/telemetry/session.ts';
import { parseAgentFrame } from '../../../src/wire/tcs-agent.ts';
import { until } from '../../support/until.ts';
import { SessionServer } from '../acs/session-server.ts';
import { KEY, REGION, signer } from '../acs/session-stage.ts';

interface Line {
  readonly ch: string;
  readonly dir: string;
  readonly event?: string;
  readonly type?: string;
  readonly message: Record<string, unknown>;
  readonly rawUrl: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly signedPrefix: Record<string, string>;
}

const lines: readonly Line[] = readFileSync(
  new URL('../../golden/01-registration.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .filter(({ ch }) => ch === 'tcs');
const find = (event: string): Line => {
  const line = lines.find((one) => one.event === event && one.dir === 'in');
  if (line === undefined) throw new Error(`no ${event} was recorded`);
  return line;
};

/** A TCS session that calls itself what the recorded agent did, on a real server. */
class Stage implements AsyncDisposable {
  readonly server: SessionServer;
  readonly session: TelemetrySession;

  private constructor(server: SessionServer, key: typeof KEY | Omit<typeof KEY, 'sessionToken'>) {
    const { query } = find('upgrade');
    const signing = signer(key);
    const logger = pino({ level: 'silent' });
    this.server = server;
    this.session = new TelemetrySession({
      identity: {
        cluster: query.cluster ?? '',
        containerInstanceArn: query.containerInstance ?? '',
        agentVersion: query.agentVersion ?? '',
        agentHash: query.agentHash ?? '',
        userAgent: 'ours',
      },
      health: new InstanceHealth({ ping: async () => {}, logger }),
      logger,
      discover: async () => ({ telemetry: server.endpoint('/tcs/') }),
      signUpgrade: (url, signal) => signing.signUpgrade(url, { signal }),
      signFrame: (url, json, signal) => signing.signTcsFrame(url, json, { signal }),
      metricsCycle: () => 'idle',
      healthCycle: () => [],
    });
  }

  static async start(key: typeof KEY | Omit<typeof KEY, 'sessionToken'> = KEY): Promise<Stage> {
    const stage = new Stage(await SessionServer.start(), key);
    stage.session.start();
    return stage;
  }

  async firstFrame() {
    const side = await this.server.connection(0);
    const text = await until(() => side.received[0], { what: 'the first frame came' });
    return { side, text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.stop();
    await this.server.close();
  }
}

const { sessionToken: _, ...longTermKey } = KEY;

describe('a TCS session', () => {
  it('has the recorded upgrade without the runtime version (TCS-01, TCS-02)', async () => {
    await using stage = await Stage.start(longTermKey);
    const { request } = await stage.server.connection(0);
    const recorded = find('upgrade');
    expect(request.url).toBe(recorded.rawUrl.replace(/&dockerVersion=[^&]*/, ''));
    expect(Object.keys(request.headers).sort()).toEqual(Object.keys(recorded.headers).sort());
  });

  it('is signed like ACS (TCS-03)', async () => {
    await using stage = await Stage.start();
    const { request } = await stage.server.connection(0);
    const [path = '', query = ''] = (request.url ?? '').split('?');
    verifySignature(
      { method: 'GET', path, query, headers: request.headers, body: '' },
      { region: REGION, service: 'ecs', nowMs: Date.now(), keyOf: () => KEY },
    );
    expect(request.headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
  });

  it('sends the recorded idle message at once, with the recorded header block (OBS-52, OBS-54)', async () => {
    await using stage = await Stage.start(longTermKey);
    const { text } = await stage.firstFrame();
    const { headers, frame } = parseAgentFrame(text);
    const recorded = find('message');
    expect(Object.keys(headers)).toEqual(Object.keys(recorded.signedPrefix));
    if (frame.kind !== 'message') throw new Error('the frame cannot be read');
    expect(frame.message).toEqual({
      type: 'PublishMetricsRequest',
      message: {
        ...recorded.message,
        metadata: { ...Object(recorded.message.metadata), messageId: expect.any(String) },
        timestamp: expect.any(Number),
      },
    });
  });

  it('signs each frame over its JSON for a GET of the session (TCS-04, TCS-05)', async () => {
    await using stage = await Stage.start();
    const { side, text } = await stage.firstFrame();
    const [path = '', query = ''] = (side.request.url ?? '').split('?');
    const { headers, json } = parseAgentFrame(text);
    expect(Object.keys(headers)).toEqual(['Authorization', 'Host', 'X-Amz-Date', 'X-Amz-Security-Token']);
    expect(text).toContain(`\r\n\r\n${json}`);
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const request = { method: 'GET', path, query, headers: lower, body: json };
    const rules = { region: REGION, service: 'ecs', nowMs: Date.now(), keyOf: () => KEY };
    expect(verifySignature(request, rules)).toBe(KEY.accessKeyId);
    expect(() => verifySignature({ ...request, body: `${json} ` }, rules)).toThrow();
  });

  it('reconnects after a clean close and says nothing by itself then (OBS-56)', async () => {
    await using stage = await Stage.start();
    const { side } = await stage.firstFrame();
    side.webSocket.close(1000);
    const second = await stage.server.connection(1);
    const pong = Promise.withResolvers<void>();
    second.webSocket.on('pong', () => pong.resolve());
    second.webSocket.ping();
    await pong.promise;
    expect(second.received).toEqual([]);
  });

  it('ends with a FIN and no close frame (OBS-49)', async () => {
    await using stage = await Stage.start();
    const { side } = await stage.firstFrame();
    await stage.session.stop();
    expect(await until(() => side.closed, { what: 'the server saw the end' })).toBe('FIN');
  });
});
