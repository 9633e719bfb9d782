import { afterAll, describe } from 'vitest';
import { FakeRuntime } from '../../../src/runtime/fake/fake-runtime.ts';
import { limitsContract } from './limits-contract.ts';
import type { LimitsUnderTest } from './runtime-under-test.ts';
import { startContract } from './start-contract.ts';

/** The fake has no processes: it keeps to the part of the contract that is about none. */
describe('container runtime contract on the fake', () => {
  const runtime = new FakeRuntime();
  const under: LimitsUnderTest = {
    runtime,
    image: 'contract:1',
    stdio: async () => ({ kind: 'null' }),
    defaults: () => ({}),
    limitsOf: async (id) => runtime.limits(id),
    [Symbol.asyncDispose]: () => runtime.close(),
  };
  afterAll(() => under[Symbol.asyncDispose]());

  limitsContract(() => under);
  startContract(() => under);
});
