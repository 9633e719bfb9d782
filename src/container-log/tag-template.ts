/**
 * The `tag` option: the part of Go's text/template that log tags use (logging.md §12): fields, `index`, literals,
 * pipelines and Docker's functions. Anything else throws and names the tag; it never gives a wrong one.
 */

/** What `.Field` can be. */
export type TagValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;
export type TagFields = Readonly<Record<string, TagValue>>;

type Token =
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'symbol'; readonly symbol: '|' | '(' | ')' };

const TOKEN =
  /\s*(?:(?<field>(?:\.\w+)+)|(?<text>"(?:[^"\\\n]|\\.)*")|`(?<raw>[^`]*)`|(?<number>-?\d+)|(?<name>[A-Za-z_]\w*)|(?<symbol>[|()]))/y;

/** Renders a tag. Throws an error that names the tag when it is not understood. */
export function renderTag(template: string, fields: TagFields): string {
  try {
    let output = '';
    let at = 0;
    let trimNext = false;
    for (const action of template.matchAll(
      /\{\{(- )?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}"`]|\}(?!\}))*?)( -)?\}\}/g,
    )) {
      const literal = template.slice(at, action.index);
      output += trim(literal, trimNext, action[1] !== undefined);
      trimNext = action[3] !== undefined;
      at = action.index + action[0].length;
      const source = action[2] ?? '';
      if (!/^\s*\/\*.*\*\/\s*$/s.test(source))
        output += goPrint(new Pipeline(tokenize(source), fields).run());
    }
    const rest = template.slice(at);
    if (rest.includes('{{')) throw new Error('an action is not closed');
    return output + trim(rest, trimNext, false);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`tag ${JSON.stringify(template)} is not understood: ${why}`, { cause: error });
  }
}

/** Evaluates `operand operand … | function operand …`. */
class Pipeline {
  readonly #tokens: readonly Token[];
  readonly #fields: TagFields;
  #at = 0;

  constructor(tokens: readonly Token[], fields: TagFields) {
    this.#tokens = tokens;
    this.#fields = fields;
  }

  run(): TagValue {
    const value = this.#pipeline();
    if (this.#at < this.#tokens.length) throw new Error('unexpected ")"');
    return value;
  }

  #pipeline(): TagValue {
    let value = this.#command(undefined);
    while (this.#isSymbol('|')) {
      this.#at += 1;
      value = this.#command(value);
    }
    return value;
  }

  /** `piped` becomes the last argument. */
  #command(piped: TagValue | undefined): TagValue {
    const token = this.#tokens[this.#at];
    if (token?.kind === 'name') {
      this.#at += 1;
      const args: TagValue[] = [];
      while (this.#at < this.#tokens.length && !this.#isSymbol('|') && !this.#isSymbol(')'))
        args.push(this.#operand());
      return callFunction(token.name, piped === undefined ? args : [...args, piped]);
    }
    const value = this.#operand();
    const next = this.#tokens[this.#at];
    if (piped !== undefined || (next !== undefined && next.kind !== 'symbol'))
      throw new Error('a value is no function');
    return value;
  }

  #operand(): TagValue {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    switch (token?.kind) {
      case 'literal':
        return token.value;
      case 'field':
        return this.#field(token.path);
      case 'name':
        return callFunction(token.name, []);
      case 'symbol': {
        if (token.symbol !== '(') break;
        const value = this.#pipeline();
        if (!this.#isSymbol(')')) throw new Error('")" is missing');
        this.#at += 1;
        return value;
      }
    }
    throw new Error('a value is missing');
  }

  #field(path: readonly string[]): TagValue {
    const [first = '', ...rest] = path;
    let value = Object.hasOwn(this.#fields, first) ? this.#fields[first] : undefined;
    if (value === undefined) throw new Error(`there is no field .${first}`);
    for (const key of rest) {
      if (typeof value !== 'object' || Array.isArray(value))
        throw new Error(`.${first} has no field .${key}`);
      value = mapEntry(value as Readonly<Record<string, string>>, key);
    }
    return value;
  }

  #isSymbol(symbol: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'symbol' && token.symbol === symbol;
  }
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const { length } = source.trimEnd();
  while (pattern.lastIndex < length) {
    const from = pattern.lastIndex;
    const groups = pattern.exec(source)?.groups;
    if (groups === undefined) throw new Error(`unexpected ${JSON.stringify(source.slice(from).trim())}`);
    const { field, text, raw, number, name, symbol } = groups;
    if (field !== undefined) tokens.push({ kind: 'field', path: field.slice(1).split('.') });
    else if (text !== undefined) tokens.push({ kind: 'literal', value: String(JSON.parse(text)) });
    else if (raw !== undefined) tokens.push({ kind: 'literal', value: raw });
    else if (number !== undefined) tokens.push({ kind: 'literal', value: Number(number) });
    else if (name === 'true' || name === 'false') tokens.push({ kind: 'literal', value: name === 'true' });
    else if (name !== undefined) tokens.push({ kind: 'name', name });
    else if (symbol === '|' || symbol === '(' || symbol === ')') tokens.push({ kind: 'symbol', symbol });
  }
  return tokens;
}

function callFunction(name: string, args: readonly TagValue[]): TagValue {
  const want = (count: number) => {
    if (args.length !== count) throw new Error(`${name} takes ${count} arguments, not ${args.length}`);
  };
  const text = (index: number) => {
    const value = args[index];
    if (typeof value !== 'string') throw new Error(`argument ${index + 1} of ${name} is no string`);
    return value;
  };
  const integer = (index: number) => {
    const value = args[index];
    if (typeof value !== 'number') throw new Error(`argument ${index + 1} of ${name} is no number`);
    return value;
  };
  switch (name) {
    case 'index':
      want(2);
      return indexInto(args[0], args[1]);
    case 'json':
      want(1);
      return JSON.stringify(args[0]);
    case 'lower':
      want(1);
      return text(0).toLowerCase();
    case 'upper':
      want(1);
      return text(0).toUpperCase();
    case 'title':
      want(1);
      return text(0).replace(
        /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
        (_, before: string, letter: string) => before + letter.toUpperCase(),
      );
    case 'split':
      want(2);
      return text(0).split(text(1));
    case 'join': {
      want(2);
      const list = args[0];
      if (!Array.isArray(list)) throw new Error('argument 1 of join is no list');
      return list.join(text(1));
    }
    case 'pad':
      want(3);
      return text(0) === '' ? '' : ' '.repeat(integer(1)) + text(0) + ' '.repeat(integer(2));
    case 'truncate':
      want(2);
      return [...text(0)].slice(0, integer(1)).join('');
    case 'print':
      return args.map(goPrint).join('');
    case 'println':
      return `${args.map(goPrint).join(' ')}\n`;
    default:
      throw new Error(`there is no function "${name}"`);
  }
}

function indexInto(from: TagValue | undefined, key: TagValue | undefined): string {
  if (Array.isArray(from) && typeof key === 'number') {
    const item: unknown = from[key];
    if (typeof item !== 'string') throw new Error(`index ${key} is out of range`);
    return item;
  }
  if (typeof from === 'object' && !Array.isArray(from) && typeof key === 'string')
    return mapEntry(from as Readonly<Record<string, string>>, key);
  throw new Error('index needs a map and a string, or a list and a number');
}

/** As in Go, what a map does not have is empty. */
function mapEntry(map: Readonly<Record<string, string>>, key: string): string {
  return Object.hasOwn(map, key) ? (map[key] ?? '') : '';
}

function goPrint(value: TagValue): string {
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.join(' ')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${item}`).join(' ')}]`;
}

function trim(text: string, start: boolean, end: boolean): string {
  const left = start ? text.trimStart() : text;
  return end ? left.trimEnd() : left;
}
