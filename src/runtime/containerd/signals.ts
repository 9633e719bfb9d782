import { constants } from 'node:os';

/** First real-time signal as libc counts them for programs. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** Number of a signal given as `SIGTERM`, `term`, `15` or `SIGRTMIN+3`; undefined when it is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= SIGRTMAX ? number : undefined;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime !== null) {
    const [, end, sign, offset = '0'] = realTime;
    const number = (end === 'MIN' ? SIGRTMIN : SIGRTMAX) + (sign === '-' ? -1 : 1) * Number(offset);
    return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
  }
  const known: Readonly<Record<string, number>> = constants.signals;
  return Object.hasOwn(known, name) ? known[name] : undefined;
}
