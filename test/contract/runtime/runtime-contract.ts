import { afterAll, beforeAll, describe } from 'vitest';
import { effectsContract } from './effects-contract.ts';
import { execContract } from './exec-contract.ts';
import { lifecycleContract } from './lifecycle-contract.ts';
import { limitsContract } from './limits-contract.ts';
import { namespacesContract } from './namespaces-contract.ts';
import { privilegeContract } from './privilege-contract.ts';
import { processContract } from './process-contract.ts';
import { recoveryContract } from './recovery-contract.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';
import { startContract } from './start-contract.ts';
import { stopContract } from './stop-contract.ts';

/** What every runtime must do the same way; run it on each, so that none drifts. */
export function runtimeContract(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(`container runtime contract on ${name}`, () => {
    let under: RuntimeUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(async () => {
      await under[Symbol.asyncDispose]();
    });

    lifecycleContract(() => under);
    processContract(() => under);
    privilegeContract(() => under);
    namespacesContract(() => under);
    limitsContract(() => under);
    effectsContract(() => under);
    startContract(() => under);
    stopContract(() => under);
    execContract(() => under);
    recoveryContract(() => under);
  });
}
