import type { IntendedDifference } from './intended.ts';
import type { Sight } from './sight.ts';

/** A field in which the two runtimes differ: lines that only one of them has. */
export interface Difference {
  readonly field: string;
  /** `-` Docker's, `+` containerd's. */
  readonly lines: readonly string[];
}

/** What differs, by field; nothing for the same. */
export function compareSights(docker: Sight, containerd: Sight): readonly Difference[] {
  const fields = [...new Set([...docker.keys(), ...containerd.keys()])];
  return fields.flatMap((field) => {
    const [one, other] = [docker.get(field), containerd.get(field)];
    if (one === other) return [];
    const [was, is] = [(one ?? '(absent)').split('\n'), (other ?? '(absent)').split('\n')];
    const lines = [...only(was, is).map((line) => `- ${line}`), ...only(is, was).map((line) => `+ ${line}`)];
    return [{ field, lines: lines.length > 0 ? lines : ['- in another order'] }];
  });
}

/** The entry of the list that says why a difference is meant to be. */
export function intentionOf(
  name: string,
  { field, lines }: Difference,
  intended: readonly IntendedDifference[],
): IntendedDifference | undefined {
  return intended.find(
    (one) =>
      one.fields.test(field) &&
      one.cases?.test(name) !== false &&
      lines.every((line) => one.lines.test(line)),
  );
}

/** Lines of one list that the other does not have, as often as it does not. */
function only(lines: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
