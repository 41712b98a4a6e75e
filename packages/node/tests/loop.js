// The timer that should end the process never fires: the listener blocks the event loop.
if (process.env.CONTROL !== '1') {
  require('deadstop').install({ grace: Number(process.env.GRACE) });
}
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 200);
  while (true) {}
});
setInterval(() => {}, 1000);
console.log('ready');
