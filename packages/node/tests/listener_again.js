// A framework removes its listener and sets another: Node gives the signal its default
// action in between, and deadstop's handler is put in front once more.
if (process.env.CONTROL !== '1') {
  require('deadstop').install({ grace: Number(process.env.GRACE) });
}
for (let n = 0; n < 20; n++) {
  const listener = () => {};
  process.on('SIGTERM', listener);
  process.off('SIGTERM', listener);
}
process.once('SIGTERM', () => {
  while (true) {}
});
setInterval(() => {}, 1000);
console.log('ready');
