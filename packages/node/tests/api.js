const assert = require('node:assert');
const { Worker } = require('node:worker_threads');
const deadstop = require('deadstop');

assert.throws(() => deadstop.install({ grace: -1 }), RangeError);
assert.throws(() => deadstop.install({ grace: '25' }), RangeError);
assert.throws(() => deadstop.install({ exitStatus: 0 }), RangeError);
assert.throws(() => deadstop.install({ signals: ['SIGNOTHING'] }), RangeError);
assert.throws(() => deadstop.install({ signals: ['SIGKILL'] }), /SIGKILL/);
assert.strictEqual(deadstop.remaining(), null);
assert.throws(() => deadstop.request('too early'), /deadstop_install/);
deadstop.install({ grace: 60 });
assert.throws(() => deadstop.install(), /already/);
assert.strictEqual(deadstop.isRequested(), false);
assert.strictEqual(deadstop.request('a test'), true);
assert.strictEqual(deadstop.request('a test'), false);
assert.strictEqual(deadstop.isRequested(), true);
assert(deadstop.remaining() > 30 && deadstop.remaining() <= 60);
const worker = new Worker(`require(${JSON.stringify(require.resolve('deadstop'))}).install()`, { eval: true });
worker.on('error', (error) => {
  assert.strictEqual(error.code, 'ERR_DEADSTOP_WORKER');
  console.log('ready');
  process.exitCode = 5;
});
