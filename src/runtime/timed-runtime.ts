import type { ContainerRuntime } from './runtime.ts';

/** Told of each call of the runtime when it has ended. */
export type ObserveCall = (call: string, ms: number, outcome: 'ok' | 'failed') => void;

/** The same runtime, whose calls are timed; its event stream, which never ends, is not. */
export function timedRuntime(runtime: ContainerRuntime, observe: ObserveCall): ContainerRuntime {
  const timed = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    let outcome: 'ok' | 'failed' = 'failed';
    try {
      const result = await work();
      outcome = 'ok';
      return result;
    } finally {
      observe(call, performance.now() - begun, outcome);
    }
  };
  return {
    info: runtime.info,
    ping: (options) => timed('ping', () => runtime.ping(options)),
    createContainer: (request, options) => timed('create', () => runtime.createContainer(request, options)),
    startContainer: (id, options) => timed('start', () => runtime.startContainer(id, options)),
    stopContainer: (id, request, options) => timed('stop', () => runtime.stopContainer(id, request, options)),
    observeContainer: (id, options) => timed('observe', () => runtime.observeContainer(id, options)),
    listContainers: (options) => timed('list', () => runtime.listContainers(options)),
    releaseContainer: (id, options) => timed('release', () => runtime.releaseContainer(id, options)),
    removeContainer: (id, options) => timed('remove', () => runtime.removeContainer(id, options)),
    updateLimits: (id, change, options) => timed('update', () => runtime.updateLimits(id, change, options)),
    exec: (id, request, options) => timed('exec', () => runtime.exec(id, request, options)),
    events: (options) => runtime.events(options),
    close: () => runtime.close(),
  };
}
