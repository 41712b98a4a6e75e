'use strict';

const { existsSync } = require('node:fs');
const { constants } = require('node:os');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');
const { target, targets } = require('./target.js');

const SIGNALS_CHAIN = 0;
const SIGNALS_NONE = 1;

let library;

class DeadstopError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'DeadstopError';
    this.code = code;
  }
}

function load() {
  if (library) {
    return library;
  }
  const system = target();
  const file = process.env.DEADSTOP_LIBRARY || path.join(__dirname, 'lib', system, 'libdeadstop.so');
  if (!existsSync(file)) {
    throw new DeadstopError(
      'ERR_DEADSTOP_UNSUPPORTED',
      `deadstop has no library for ${system}: ${file} does not exist; this package has those for `
        + `${targets().join(', ') || 'no system'}, and DEADSTOP_LIBRARY may name another file`,
    );
  }
  const koffi = require('koffi');
  const native = koffi.load(file);
  const options = koffi.struct('deadstop_options', {
    size: 'size_t',
    grace_ms: 'uint64_t',
    exit_status: 'uint8_t',
    failure_status: 'uint8_t',
    signal_mode: 'uint8_t',
    second_signal: 'uint8_t',
    when_done: 'uint8_t',
    progress: 'uint8_t',
    stderr_format: 'uint8_t',
    require_backup_timer: 'uint8_t',
    signals: 'uint64_t',
    status_signals: 'uint64_t',
    stack_dump_signal: 'int32_t',
    reserved: 'int32_t',
    report_file: 'const char *',
    message_file: 'const char *',
  });
  library = {
    sizeOfOptions: koffi.sizeof(options),
    install: native.func('int deadstop_install(const deadstop_options *options)'),
    chain: native.func('int deadstop_chain_signals()'),
    arm: native.func('void deadstop_arm()'),
    armWithin: native.func('void deadstop_arm_within(uint64_t grace_ms)'),
    request: native.func('int deadstop_request(const char *by)'),
    isRequested: native.func('int deadstop_is_requested()'),
    remaining: native.func('int64_t deadstop_remaining_ms()'),
    statusReport: native.func('int deadstop_status_report()'),
    lastError: native.func('const char *deadstop_last_error()'),
  };
  return library;
}

function check(result) {
  if (result < 0) {
    throw new DeadstopError('ERR_DEADSTOP', library.lastError());
  }
  return result;
}

function milliseconds(seconds, name) {
  if (typeof seconds !== 'number' || !(seconds >= 0) || !Number.isFinite(seconds)) {
    throw new RangeError(`${name} is ${seconds}; it must be a number of seconds, 0 or more`);
  }
  return Math.round(seconds * 1000);
}

function bits(signals) {
  let sum = 0n;
  for (const signal of signals) {
    const number = constants.signals[signal];
    if (number === undefined) {
      throw new RangeError(`${signal} is no signal of this system`);
    }
    sum |= 1n << BigInt(number - 1);
  }
  return sum;
}

function install(options = {}) {
  const {
    grace = 10,
    exitStatus = 124,
    signals = ['SIGTERM', 'SIGINT'],
    atExit = true,
    progress = false,
    json = false,
    reportFile = null,
  } = options;
  if (!isMainThread) {
    throw new DeadstopError('ERR_DEADSTOP_WORKER', 'install deadstop on the main thread: a worker gets no signals');
  }
  if (!Number.isInteger(exitStatus) || exitStatus < 1 || exitStatus > 255) {
    throw new RangeError(`exitStatus is ${exitStatus}; it must be 1 to 255`);
  }
  const native = load();
  check(native.install({
    size: native.sizeOfOptions,
    // 0 would be the library's default.
    grace_ms: Math.max(1, milliseconds(grace, 'grace')),
    exit_status: exitStatus,
    failure_status: 0,
    // Without signals: a sum of 0 would be the library's default.
    signal_mode: signals.length > 0 ? SIGNALS_CHAIN : SIGNALS_NONE,
    second_signal: 0,
    when_done: 0,
    progress: progress ? 1 : 0,
    stderr_format: json ? 1 : 0,
    require_backup_timer: 0,
    signals: bits(signals),
    status_signals: 0,
    stack_dump_signal: 0,
    reserved: 0,
    report_file: reportFile,
    message_file: null,
  }));
  // Node sets its signal handler with the first listener of a signal, and the default
  // action with the last that is removed. Its own listener of this event came first: the
  // handler is there now, and deadstop's is put in front of it.
  process.on('newListener', (event) => {
    if (signals.includes(event)) {
      check(native.chain());
    }
  });
  if (atExit) {
    // No listener of 'exit': process.removeAllListeners() would take it away, and one that
    // hangs may be put before it.
    const emit = process.emit;
    Object.defineProperty(process, 'emit', {
      configurable: true,
      writable: true,
      value: function (event) {
        if (event === 'exit') {
          native.request("Node's exit");
        }
        return Reflect.apply(emit, this, arguments);
      },
    });
  }
}

function arm() {
  load().arm();
}

function armWithin(seconds) {
  load().armWithin(milliseconds(seconds, 'seconds'));
}

function request(by) {
  return check(load().request(String(by))) === 1;
}

function isRequested() {
  return load().isRequested() === 1;
}

function remaining() {
  const left = Number(load().remaining());
  return left < 0 ? null : left / 1000;
}

function statusReport() {
  return load().statusReport() === 1;
}

// Names alone: from these Node knows what a module may import.
module.exports = { DeadstopError, install, arm, armWithin, request, isRequested, remaining, statusReport };
