import { expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { taskIdOf } from '../../../src/task/ids.ts';
import { isFullRun, randomFrom, testSeed } from '../../support/sample.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { roleCredentials, TaskApiWorld } from './task-api-world.ts';

const seed = testSeed();
const CASES = isFullRun() ? 10_000 : 400;
const AT_ONCE = 8;
/** All that a request without sense may be answered with (metadata-endpoints.md §1.1, §4.1, RFC 9110). */
const STATUSES = new Set([100, 200, 301, 400, 404, 405, 408, 413, 417, 429, 431, 500, 503]);
const STATUS_LINE = /HTTP\/1\.1 (\d{3}) [A-Za-z -]+\r\n/g;

const taskOf = (name: string, role: string) => {
  const task = sampleTask(name);
  return {
    ...task,
    spec: { ...task.spec, networkMode: 'awsvpc', taskCredentialsId: role } as const,
    containers: [{ ...sampleContainerState('app'), createdAt: 1 }],
  };
};
const OWN = taskOf('own', 'id-own');
const OTHER = taskOf('other', 'id-other');
const SCOPE: EndpointScope = { kind: 'task', taskId: taskIdOf(OWN.spec.arn) };

/** Makes bytes on a connection: requests that are whole, broken, cut, glued together, or no requests at all. */
class Fuzzer {
  readonly #random: () => number;
  readonly #paths: readonly string[];

  constructor(seed: number, paths: readonly string[]) {
    this.#random = randomFrom(seed);
    this.#paths = paths;
  }

  next(): Buffer {
    const requests = Buffer.concat(Array.from({ length: 1 + this.#below(4) }, () => this.#request()));
    return this.#pick([
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes.subarray(0, this.#below(bytes.length)),
      (bytes: Buffer) => this.#flipped(bytes),
      (bytes: Buffer) => Buffer.concat([bytes, this.#noise(4096)]),
      () => this.#noise(2048),
    ])(requests);
  }

  /** One in four is whole and of a known path: what is broken around it must not spoil it for others. */
  #request(): Buffer {
    if (this.#below(4) === 0)
      return Buffer.from(`GET ${this.#pick(this.#paths)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const method = this.#mostly('GET', ['PUT', 'POST', 'HEAD', 'BREW', 'get', '\0', 'CONNECT', 'TRACE', '']);
    const version = this.#mostly('HTTP/1.1', ['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', 'x', '']);
    const space = this.#mostly(' ', ['\t', '', '  ', '\0']);
    const end = this.#mostly('\r\n', ['\n', '\r', '\r\n ']);
    const host = this.#mostly('Host: x', ['', 'Host: a\r\nHost: b', 'host:']);
    const headers = Array.from({ length: this.#below(3) }, () => this.#header());
    const lines = [host, ...headers].filter((line) => line !== '').map((line) => `${line}${end}`);
    const path = `${this.#pick(this.#paths)}${this.#tail()}`;
    const head = `${method}${space}${path}${space}${version}${end}${lines.join('')}${end}`;
    const body = this.#below(8) === 0 ? this.#noise(300) : Buffer.alloc(0);
    return Buffer.concat([Buffer.from(head, 'latin1'), body]);
  }

  #header(): string {
    return this.#pick([
      () => 'Host: x',
      () => 'Connection: keep-alive',
      () => `Content-Length: ${this.#pick(['0', '5', '-1', '5, 5', '999999999999999999999', '0x10', ''])}`,
      () => `Transfer-Encoding: ${this.#pick(['chunked', 'chunked, chunked', 'gzip', 'CHUNKED\0'])}`,
      () => 'Expect: 100-continue',
      () => 'Upgrade: websocket',
      () => `X-Long: ${'a'.repeat(this.#below(40_000))}`,
      () => 'No colon',
      () => ': no name',
      () => `N\0ul: ${String.fromCharCode(this.#below(256))}`,
      () => 'X-Forwarded-For: 127.0.0.1',
      () => Array.from({ length: 200 }, (_, index) => `H${index}: 1`).join('\r\n'),
    ])();
  }

  /** What follows a path that is known. */
  #tail(): string {
    return this.#pick([
      '',
      '',
      '/',
      '//',
      '/..',
      '/../../v2/credentials/id-other',
      '?id=id-other',
      '%00',
      '%zz',
      '\xff',
      '#',
      '?'.repeat(50),
    ]);
  }

  #flipped(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    for (let n = 0; n < 1 + this.#below(8); n += 1) copy[this.#below(copy.length)] = this.#below(256);
    return copy;
  }

  #noise(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.#below(most) }, () => this.#below(256)));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** The usual thing, or once in ten times one of the others. */
  #mostly<T>(usual: T, others: readonly T[]): T {
    return this.#below(10) === 0 ? this.#pick(others) : usual;
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }
}

it(`bytes without sense get answers of HTTP or none, and nothing of another task (seed ${seed})`, async () => {
  await using api = new TaskApiWorld({ tasks: [OWN, OTHER] });
  for (const { spec } of [OWN, OTHER])
    api.store.put(spec.arn, 'TaskApplication', roleCredentials(spec.taskCredentialsId ?? ''));
  const own = api.ids.idOf(OWN.spec, 'app');
  const other = api.ids.idOf(OTHER.spec, 'app');
  const ids = [own, other, 'nobody', ''];
  const fuzzer = new Fuzzer(seed, [
    '/',
    '*',
    'http://169.254.170.2/v2/metadata',
    '/v1/credentials?id=id-other',
    '/v2/credentials/id-own',
    '/v2/credentials/id-other',
    '/v2/metadata',
    '/v2/stats',
    ...ids.flatMap((id) => [`/v3/${id}`, `/v4/${id}/task`, `/v4/${id}/stats`, `/v3/${id}/associations/gpu/`]),
    ...ids.map((id) => `/api/${id}/task-protection/v1/state`),
    ...ids.map((id) => `/api/${id}/fault/v1/network-latency/status`),
  ]);
  const seen = new Map<number, number>();
  for (let done = 0; done < CASES; done += AT_ONCE) {
    const sent = Array.from({ length: AT_ONCE }, () => fuzzer.next());
    const answers = await Promise.all(sent.map((bytes) => api.rawToEnd(SCOPE, bytes)));
    answers.forEach((answer, index) => {
      const about = JSON.stringify(sent[index]?.toString('latin1').slice(0, 2000));
      expect(answer, about).not.toContain('SECRET-id-other');
      expect(answer, about).not.toContain(OTHER.spec.arn);
      const statuses = [...answer.matchAll(STATUS_LINE)].map(([, status]) => Number(status));
      expect(answer === '' || answer.startsWith('HTTP/1.1 '), about).toBe(true);
      for (const status of statuses) {
        expect(STATUSES, `${status} for ${about}`).toContain(status);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    });
  }
  expect(api.requestFailures).toEqual([]);
  // It got everywhere: answers, refusals of the routes and of the parser.
  for (const status of [200, 301, 400, 404]) expect(seen.get(status), `status ${status}`).toBeGreaterThan(0);
  expect((await api.request(SCOPE, `/v4/${own}`)).status).toBe(200);
}, 120_000);
