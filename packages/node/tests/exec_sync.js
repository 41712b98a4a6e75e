// A synchronous child process that does not return blocks the event loop.
const { execSync } = require('node:child_process');
if (process.env.CONTROL !== '1') {
  require('deadstop').install({ grace: Number(process.env.GRACE) });
}
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 200);
  execSync('sleep 30');
});
setInterval(() => {}, 1000);
console.log('ready');
