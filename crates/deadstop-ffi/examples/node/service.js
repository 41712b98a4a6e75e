// Node with the C interface, by koffi: the deadline holds while the event loop is blocked.
// The npm package `deadstop` has this and more.
//
//   npm install koffi
//   DEADSTOP=/usr/local/lib/libdeadstop.so node service.js, then kill -TERM it
//
// Without the variable, it stays.
const koffi = require('koffi');

if (process.env.DEADSTOP) {
  const deadstop = koffi.load(process.env.DEADSTOP);
  const options = koffi.struct('deadstop_options', {
    size: 'size_t', grace_ms: 'uint64_t',
    exit_status: 'uint8_t', failure_status: 'uint8_t', signal_mode: 'uint8_t', second_signal: 'uint8_t',
    when_done: 'uint8_t', progress: 'uint8_t', stderr_format: 'uint8_t', require_backup_timer: 'uint8_t',
    signals: 'uint64_t', status_signals: 'uint64_t', stack_dump_signal: 'int32_t', reserved: 'int32_t',
    report_file: 'const char *', message_file: 'const char *',
  });
  const install = deadstop.func('int deadstop_install(const deadstop_options *options)');
  const chain = deadstop.func('int deadstop_chain_signals()');
  const lastError = deadstop.func('const char *deadstop_last_error()');
  // All zero but these two: fields that are left out are zero.
  if (install({ size: koffi.sizeof(options), grace_ms: 2000 }) !== 0) {
    throw new Error(lastError());
  }
  // Node sets its handler with the first listener; deadstop's is put in front of it.
  process.on('newListener', (event) => event === 'SIGTERM' && chain());
}

process.on('SIGTERM', () => {
  while (true) {}
});
setInterval(() => {}, 1000);
console.log('ready');
