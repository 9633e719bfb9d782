import { useCompileCache } from './host/compile-cache.ts';

useCompileCache(process.env);
const [{ runCommandLine }, { ArgumentsError }] = await Promise.all([
  import('./command-line.ts'),
  import('./config/arguments.ts'),
]);

try {
  // Whatever is still open, the agent has ended: containers and the log service are processes of their own.
  process.exit(await runCommandLine(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof ArgumentsError ? error.message : error);
  process.exit(error instanceof ArgumentsError ? error.exitCode : 1);
}
