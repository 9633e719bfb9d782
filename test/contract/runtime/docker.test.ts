import { dockerUnderTest } from './docker-under-test.ts';
import { runtimeContract } from './runtime-contract.ts';

runtimeContract('dockerd', dockerUnderTest);
