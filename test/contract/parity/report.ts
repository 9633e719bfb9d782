import { markdownTable } from '../../support/kept-document.ts';
import { intentionOf } from './compare.ts';
import { INTENDED, type IntendedDifference } from './intended.ts';
import type { ParityResult } from './run-parity.ts';

/** What is not as it should be: differences that nobody meant, and entries of the list that nothing shows. */
export function faultsOf(
  results: readonly ParityResult[],
  intended: readonly IntendedDifference[] = INTENDED,
): readonly string[] {
  const seen = new Set<IntendedDifference>();
  const unmeant = results.flatMap(({ name, differences }) =>
    differences.flatMap((difference) => {
      const meant = intentionOf(name, difference, intended);
      if (meant !== undefined) seen.add(meant);
      return meant === undefined
        ? [`${name}: ${difference.field}\n    ${difference.lines.join('\n    ')}`]
        : [];
    }),
  );
  const idle = intended.filter((one) => !seen.has(one));
  return [...unmeant, ...idle.map(({ reason }) => `no case shows this difference: ${reason}`)];
}

/** docs/parity.md. */
export function parityDocument(results: readonly ParityResult[]): string {
  const rows = results.map(({ name, differences }) => {
    const numbers = new Set(
      differences.map((difference) => {
        const meant = intentionOf(name, difference, INTENDED);
        return meant === undefined ? 'unlisted' : String(INTENDED.indexOf(meant) + 1);
      }),
    );
    return [name, numbers.size === 0 ? 'none' : [...numbers].sort().join(', ')];
  });
  return `# What a container sees: containerd and Docker

Each row is a task definition that is run twice: by this agent's steps on containerd, and by dockerd as the Amazon ECS
agent asks it to. A program in the container tells what it sees (environment, identity, capabilities, limits, mounts,
namespaces, cgroups, devices, names, kernel settings) and what it may do (system calls that are filtered, writes,
mounts, devices); the two are compared field by field. \`npm run parity\` prints this page; a test holds it to what is
seen, and fails when the program could not read a field.

dockerd is the one of the distribution, started with the open files limit of the ECS-optimized machine image.
A privileged container sees the machine: its devices are part of what is compared, but for loop devices, which come and
go. Containers of bridge mode come after
all others, whose view of the host would have their links in it; their addresses are left out, which every container
has of its own, and so is 169.254.170.2, which the agent serves. All of it is the same with containerd 1.6, 1.7 and 2.1.
The filter of system calls is Docker 25's; an older dockerd's differs in calls that the program does not try.

${markdownTable(['task definition', 'differences'], rows)}

## Intended differences

${INTENDED.map(({ reason }, index) => `${index + 1}. ${reason}.`).join('\n')}
`;
}
