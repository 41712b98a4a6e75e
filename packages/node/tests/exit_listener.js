// No signal: the process exits, and a listener of `exit` never returns.
if (process.env.CONTROL !== '1') {
  require('deadstop').install({ grace: Number(process.env.GRACE) });
}
process.on('exit', () => {
  while (true) {}
});
console.log('ready');
console.log(`at ${process.hrtime.bigint()}`);
