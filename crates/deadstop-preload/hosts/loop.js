// The handler blocks the event loop, so its own timer never fires.
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 200);
  for (;;) {}
});
setInterval(() => {}, 1000);
console.log('ready');
