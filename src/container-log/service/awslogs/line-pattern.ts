import { setFlagsFromString } from 'node:v8';

/** What stands for a directive of strftime in `awslogs-datetime-format` (logging.md §21.5). */
const DIRECTIVES: Readonly<Record<string, string>> = {
  a: '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)',
  A: '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)',
  w: '[0-6]',
  d: '(?:0[1-9]|[1,2][0-9]|3[0,1])',
  b: '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)',
  B: '(?:January|February|March|April|May|June|July|August|September|October|November|December)',
  m: '(?:0[1-9]|1[0-2])',
  Y: '\\d{4}',
  y: '\\d{2}',
  H: '(?:[0,1][0-9]|2[0-3])',
  I: '(?:0[0-9]|1[0-2])',
  p: '[A,P]M',
  M: '[0-5][0-9]',
  S: '[0-5][0-9]',
  f: '\\d{6}',
  z: '[+-]\\d{4}',
  Z: '[A-Z]{1,4}T',
  j: '(?:0[0-9][1-9]|[1,2][0-9][0-9]|3[0-5][0-9]|36[0-6])',
  L: '\\.\\d{3}',
};

/** The expression that a datetime format stands for; what is no directive stays part of the expression. */
export function datetimePattern(format: string): string {
  return format.replace(/%(.)/g, (_, directive: string) => DIRECTIVES[directive] ?? '');
}

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Longer than this an expression with its repetitions written out is refused. */
const MAX_LENGTH = 20_000;
const BACKTRACKS_BEFORE_FALLBACK = 20_000;

/**
 * Compiles an expression of RE2's syntax so that it runs in time linear to the line, whatever the line (LOG-155).
 * Throws for what RE2 does not know, and for forms that cannot be carried over or bounded.
 */
export function compileLinePattern(pattern: string): RegExp {
  const { source, flags } = new Translation(pattern).run();
  // V8's own linear engine takes over from the backtracking one, which is many times faster, when that has tried
  // too often. It knows no case folding and no counted repetition, which the translation writes out.
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString(`--regexp-backtracks-before-fallback=${BACKTRACKS_BEFORE_FALLBACK}`);
  try {
    // Throws when it cannot be executed in linear time.
    new RegExp(source, `${flags}l`);
    return new RegExp(source, flags);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*\/: /, '') : String(error);
    throw new Error(`error parsing regexp: ${why}: \`${pattern}\``, { cause: error });
  }
}

/** One pass over an expression; `#atom` is where the last repeatable thing begins in the output. */
class Translation {
  readonly #pattern: string;
  #at = 0;
  #output = '';
  #atom = 0;
  readonly #groups: number[] = [];
  #ignoreCase = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  run(): { readonly source: string; readonly flags: string } {
    let flags = '';
    const head = /^\(\?([imsU]+)\)/.exec(this.#pattern);
    if (head?.[1] !== undefined) {
      if (head[1].includes('U')) throw this.#refusal('the flag U is not supported by this agent');
      this.#ignoreCase = head[1].includes('i');
      flags = head[1].replaceAll('i', '');
      this.#at = head[0].length;
    }
    while (this.#at < this.#pattern.length) {
      this.#step();
      if (this.#output.length > MAX_LENGTH) throw this.#refusal('expression is too large');
    }
    return { source: this.#output, flags: [...new Set(flags)].join('') };
  }

  #step(): void {
    const rest = this.#pattern.slice(this.#at);
    const repeat = /^\{(\d+)(?:(,)(\d*))?\}\??/.exec(rest);
    if (repeat !== null) {
      this.#repeat(repeat);
      return;
    }
    switch (rest[0]) {
      case '\\':
        this.#escape(rest);
        return;
      case '[':
        this.#bracket(rest);
        return;
      case '(':
        this.#open(rest);
        return;
      case ')':
        this.#take(1);
        this.#atom = this.#groups.pop() ?? 0;
        return;
      case '*':
      case '+':
      case '?':
      case '|':
      case '^':
      case '$':
        this.#take(1);
        return;
      case '{':
      case '}':
      case ']':
        this.#put(`\\${rest[0]}`, 1);
        return;
      default:
        this.#put(this.#folded(rest[0] ?? ''), 1);
        return;
    }
  }

  /** Writes out `x{n,m}`. */
  #repeat([text, from = '0', comma, to]: RegExpExecArray): void {
    const atom = this.#output.slice(this.#atom);
    const least = Number(from);
    const most = comma === undefined ? least : to === '' || to === undefined ? undefined : Number(to);
    if (least > 1000 || (most ?? 0) > 1000 || (most !== undefined && most < least))
      throw this.#refusal('invalid repeat count');
    if (atom === '') throw this.#refusal('missing argument to repetition operator');
    if (atom.length * Math.max(least, most ?? 1) > MAX_LENGTH) throw this.#refusal('expression is too large');
    // Only the first copy may have a name.
    const copy = atom.replaceAll(/\(\?<\w+>/g, '(');
    const required = least === 0 ? '' : atom + copy.repeat(least - 1);
    const optional = most === undefined ? `(?:${copy})*` : `(?:${copy})?`.repeat(most - least);
    this.#output = `${this.#output.slice(0, this.#atom)}(?:${required}${optional})`;
    this.#at += text.length;
  }

  #escape(rest: string): void {
    if (rest.startsWith('\\Q')) {
      const end = rest.indexOf('\\E');
      const literal = rest.slice(2, end < 0 ? undefined : end);
      for (const character of literal)
        this.#put(this.#folded(character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')), 0);
      this.#at += end < 0 ? rest.length : end + 2;
      return;
    }
    if (rest.startsWith('\\A')) {
      this.#put('(?:^)', 2);
      return;
    }
    if (rest.startsWith('\\z')) {
      this.#put('(?:$)', 2);
      return;
    }
    if (/^\\[1-9k]/.test(rest)) throw this.#refusal('invalid escape sequence');
    if (/^\\[pPCXRGZ]/.test(rest)) throw this.#refusal(`${rest.slice(0, 2)} is not supported by this agent`);
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,4})\})/.exec(rest);
    if (hex !== null) {
      this.#put(`\\u${(hex[1] ?? hex[2] ?? '').padStart(4, '0')}`, hex[0].length);
      return;
    }
    if (rest.startsWith('\\a')) {
      this.#put('\\x07', 2);
      return;
    }
    this.#put(rest.slice(0, 2), 2);
  }

  #bracket(rest: string): void {
    const end = /^\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/.exec(rest)?.[0];
    if (end === undefined) throw this.#refusal('missing closing ]');
    const negated = end.startsWith('[^');
    const body = end
      .slice(negated ? 2 : 1, -1)
      .replace(/^\]/, '\\]')
      .replace(/\[:(\^?)(\w+):\]/g, (_, not: string, name: string) => {
        const found = POSIX_CLASSES[name];
        if (found === undefined || not === '^')
          throw this.#refusal(`invalid character class range [:${not}${name}:]`);
        return found ?? '';
      })
      .replace(/(?<!\\)\[/g, '\\[');
    this.#put(`[${negated ? '^' : ''}${this.#ignoreCase ? bothCases(body) : body}]`, end.length);
  }

  #open(rest: string): void {
    if (/^\(\?(?:[=!]|<[=!])/.test(rest)) throw this.#refusal('invalid or unsupported Perl syntax');
    const named = /^\(\?P?<(\w+)>/.exec(rest);
    if (!/^\((?!\?)|^\(\?:/.test(rest) && named === null)
      throw this.#refusal('flags inside the expression are not supported by this agent');
    this.#groups.push(this.#output.length);
    if (named !== null) {
      this.#take(named[0].length, `(?<${named[1]}>`);
      return;
    }
    this.#take(rest.startsWith('(?:') ? 3 : 1);
  }

  #put(text: string, length: number): void {
    this.#atom = this.#output.length;
    this.#output += text;
    this.#at += length;
  }

  #take(length: number, text = this.#pattern.slice(this.#at, this.#at + length)): void {
    this.#output += text;
    this.#at += length;
  }

  #folded(character: string): string {
    const lower = character.toLowerCase();
    const upper = character.toUpperCase();
    return this.#ignoreCase && lower !== upper && upper.length === 1 ? `[${lower}${upper}]` : character;
  }

  #refusal(why: string): Error {
    return new Error(`error parsing regexp: ${why}: \`${this.#pattern}\``);
  }
}

/** A character class that has the letters of both cases, ranges too. */
function bothCases(body: string): string {
  const letters = body.match(/\\.|[a-zA-Z]-[a-zA-Z]|[a-zA-Z]/g) ?? [];
  const plain = letters.filter((part) => !part.startsWith('\\'));
  return `${body}${plain.map((part) => part.toLowerCase() + part.toUpperCase()).join('')}`;
}
