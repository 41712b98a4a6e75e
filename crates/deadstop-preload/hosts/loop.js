// The handler blocks the event loop, so its own timer never fires.
function flush() {
  for (;;) {}
}
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 200);
  flush();
});
setInterval(() => {}, 1000);
console.log('ready');
