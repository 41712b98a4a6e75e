// The shutdown waits for a program that does not end.
const { execSync } = require('child_process');
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 200);
  execSync('sleep 600');
});
setInterval(() => {}, 1000);
console.log('ready');
