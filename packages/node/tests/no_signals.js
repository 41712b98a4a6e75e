// With an empty list no signal starts the clock: the end takes longer than the grace.
process.on('SIGTERM', () => setTimeout(() => process.exit(3), 3000));
require('deadstop').install({ grace: 1, signals: [] });
setInterval(() => {}, 1000);
console.log('ready');
