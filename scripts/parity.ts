import { faultsOf, parityDocument } from '../test/contract/parity/report.ts';
import { runParity } from '../test/contract/parity/run-parity.ts';

/** Prints what containers see on containerd and on dockerd, one beside the other; status 1 if they differ unmeant. */
const results = await runParity();
console.log(parityDocument(results));
const faults = faultsOf(results);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
