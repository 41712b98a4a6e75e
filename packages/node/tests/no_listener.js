// Without a listener the signal ends the process, as it does without deadstop.
require('deadstop').install({ grace: 20 });
setInterval(() => {}, 1000);
console.log('ready');
