import { useCompileCache } from '../host/compile-cache.ts';

useCompileCache(process.env);
const { runCommandLine } = await import('./command-line.ts');
await runCommandLine();
