/** Stands for a command whose substance is not there yet: says so in one line and fails. */
const [command = '', what = ''] = process.argv.slice(2);
console.error(`npm run ${command}: ${what} comes later`);
process.exitCode = 1;
