import type { Plugin } from 'rolldown';

/**
 * Modules of Node's some of whose exports are made when they are first read. An `import` of such a module reads them
 * all: of `node:http` that is `WebSocket`, which brings undici (50 ms and 15 MB), of `node:process` the three standard
 * streams, of `node:tls` all certificates that Node has.
 */
const WITH_LAZY_EXPORTS = [
  'buffer',
  'crypto',
  'events',
  'fs',
  'http',
  'net',
  'process',
  'stream',
  'tls',
  'util',
];
/** It wants exports that are dear, and is loaded by `ecs-local` alone. */
const AWS_SDK = /\/node_modules\/(@aws-sdk|@smithy)\//;
const PREFIX = '\0lazy:';

/** Has those exports read that somebody imports, and no others: calls that are pure go when nobody wants what they give. */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  resolveId(source, importer, { kind }) {
    if (kind !== 'import-statement' && kind !== 'dynamic-import') return null;
    if (importer !== undefined && AWS_SDK.test(importer)) return null;
    const name = source.replace(/^node:/, '');
    return WITH_LAZY_EXPORTS.includes(name) ? `${PREFIX}${name}` : null;
  },
  load(id) {
    if (!id.startsWith(PREFIX)) return null;
    const name = id.slice(PREFIX.length);
    const module = process.getBuiltinModule(name);
    if (module === undefined) throw new Error(`Node has no ${name}`);
    const names = Object.keys(module).filter((key) => key !== 'default' && /^[A-Za-z_$][\w$]*$/.test(key));
    return `const builtin$ = process.getBuiltinModule('node:${name}');
const read$ = (name) => builtin$[name];
export default builtin$;
${names.map((key) => `export const ${key} = /* @__PURE__ */ read$('${key}');`).join('\n')}`;
  },
};
