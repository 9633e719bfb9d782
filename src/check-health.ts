import { request } from 'node:http';
import { INTROSPECTION_PORT } from './metadata/introspection/introspection-server.ts';

const TIMEOUT_MS = 25_000;

/** `-healthcheck`: whether a running agent answers on its introspection port (CFG-57). 0 or 1. */
export async function checkHealth(): Promise<number> {
  const host = process.env.ECS_AGENT_HEALTHCHECK_HOST || 'localhost';
  const url = `http://${host}:${INTROSPECTION_PORT}/v1/metadata`;
  return await new Promise((resolve) => {
    const fail = (why: string) => {
      console.error(`${url}: ${why}`);
      resolve(1);
    };
    const call = request(url, { timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve(0);
      else fail(`status ${response.statusCode}`);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.on('error', (error) => fail(error.message)).end();
  });
}
