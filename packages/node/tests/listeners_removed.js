// A test runner or a framework removes all listeners of the process; one of `exit`, added
// first, never returns.
if (process.env.CONTROL !== '1') {
  require('deadstop').install({ grace: Number(process.env.GRACE) });
}
process.removeAllListeners();
process.prependListener('exit', () => {
  while (true) {}
});
console.log('ready');
console.log(`at ${process.hrtime.bigint()}`);
