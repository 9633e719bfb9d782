import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

/*
 * What data from outside has to be like. This is zod in its small form: in its usual one each schema is born with some
 * fifty methods, which costs the agent memory and every program time at its start (docs/adr/0013-small-schemas.md).
 * Most are used a few times: compiling parsers for them takes longer than it saves, 15 ms of a start and 2 MB.
 * Its words, for errors, are made when there is the first one.
 */
let words: z.core.$ZodErrorMap | undefined;
const describe: z.core.$ZodErrorMap = (issue) => {
  words ??= en().localeError;
  return words(issue);
};
z.config({ localeError: describe, jitless: true });

export { z };
