import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { containerdUnderTest } from './containerd-under-test.ts';
import { runtimeContract } from './runtime-contract.ts';

for (const version of CONTAINERD_VERSIONS)
  runtimeContract(`containerd ${version}`, () => containerdUnderTest({ version }));
