import type { Plugin } from 'rolldown';

/**
 * Modules of Node's some of whose exports are made when they are first read. An `import` of such a module reads them
 * all: of `node:http` that is `WebSocket`, which brings undici (50 ms and 15 MB).
 */
const WITH_LAZY_EXPORTS = ['node:http'];
const PREFIX = '\0lazy:';

/** Takes modules of Node's whose `import` is dear in another way, without the exports that make it so. */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  resolveId(source, _importer, { kind }) {
    if (kind !== 'import-statement' && kind !== 'dynamic-import') return null;
    const name = source.startsWith('node:') ? source : `node:${source}`;
    return WITH_LAZY_EXPORTS.includes(name) ? `${PREFIX}${name}` : null;
  },
  load(id) {
    if (!id.startsWith(PREFIX)) return null;
    const name = id.slice(PREFIX.length);
    const module = process.getBuiltinModule(name);
    if (module === undefined) throw new Error(`Node has no ${name}`);
    const eager = Object.entries(Object.getOwnPropertyDescriptors(module)).filter(
      ([key, { enumerable, get }]) => enumerable && get === undefined && key !== 'default',
    );
    const names = eager.map(([key]) => key).join(', ');
    return `const builtin = process.getBuiltinModule('${name}');
export default builtin;
export const { ${names} } = builtin;`;
  },
};
