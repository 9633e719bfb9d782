import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { TlsSettings } from './endpoint.ts';
import { trustContext } from './trust.ts';

// An import of node:http reads all its exports, and its WebSocket loads undici: 12 MB that nobody here needs.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

const KEPT = { keepAlive: true, keepAliveMsecs: 15_000 };

/** Connections that are kept, of each kind of trust for itself. */
export class Connections {
  readonly plain: HttpAgent = new http.Agent(KEPT);
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #secure = new Map<string, Promise<HttpsAgent>>();

  /** `env`: where SSL_CERT_FILE and SSL_CERT_DIR are looked up. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** Rejects when a certificate cannot be read. */
  async secure(tls: TlsSettings | undefined): Promise<HttpsAgent> {
    const key = JSON.stringify(tls ?? {});
    const agent = this.#secure.get(key) ?? this.#open(tls);
    this.#secure.set(key, agent);
    try {
      return await agent;
    } catch (error) {
      this.#secure.delete(key);
      throw error;
    }
  }

  /** Closes those that are idle. */
  async close(): Promise<void> {
    this.plain.destroy();
    const agents = [...this.#secure.values()];
    this.#secure.clear();
    for (const agent of agents) (await agent.catch(() => undefined))?.destroy();
  }

  async #open(tls: TlsSettings | undefined): Promise<HttpsAgent> {
    const secureContext = await trustContext(this.#env, tls);
    const options = { ...KEPT, rejectUnauthorized: tls?.skipVerify !== true };
    // Passed on to tls.connect, which Node's types do not say.
    return new https.Agent({ ...options, ...{ secureContext } });
  }
}
