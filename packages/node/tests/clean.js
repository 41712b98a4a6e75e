// A listener that ends the process itself: its status stays, and nothing is printed.
require('deadstop').install({ grace: 20 });
process.on('SIGTERM', () => setTimeout(() => process.exit(3), 50));
setInterval(() => {}, 1000);
console.log('ready');
