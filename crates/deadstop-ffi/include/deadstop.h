/*
 * deadstop: ends a process at its shutdown deadline, and reports what was stuck.
 *
 * Functions return DEADSTOP_OK (0) or more, or a negative DEADSTOP_ERROR_ code, unless
 * their comment says otherwise. deadstop_last_error() has the words.
 *
 * Functions marked "Async-signal-safe" may be called in a signal handler; no other may.
 * In a child of fork(), every function returns at once: DEADSTOP_ERROR_FORKED, or the
 * value for "no". A child may call deadstop_install() again.
 *
 * Made by cbindgen from crates/deadstop-ffi; do not edit.
 */

#ifndef DEADSTOP_H
#define DEADSTOP_H

#include <stddef.h>
#include <stdint.h>

// The call succeeded.
#define DEADSTOP_OK 0

// An argument is invalid: a null pointer, a text that is not UTF-8, an unknown structure size,
// a value out of range.
#define DEADSTOP_ERROR_ARGUMENT -1

// deadstop_install() has not been called, or failed.
#define DEADSTOP_ERROR_NOT_INSTALLED -2

// This process has a watchdog already.
#define DEADSTOP_ERROR_ALREADY_INSTALLED -3

// This process is a child of fork(). Its parent has called deadstop_install(), it has not.
#define DEADSTOP_ERROR_FORKED -4

// The operating system refused a thread, a timer, a handler or a file.
#define DEADSTOP_ERROR_SYSTEM -5

// The task's phase or the shutdown is over, or there is no such phase.
#define DEADSTOP_ERROR_REFUSED -6

// A task called a function that waits for the shutdown, which waits for the task.
#define DEADSTOP_ERROR_FROM_TASK -7

// The time was over first, or there is no report yet.
#define DEADSTOP_ERROR_NOT_YET -8

// deadstop itself panicked. The watchdog still enforces the deadline.
#define DEADSTOP_ERROR_PANIC -9

// This system does not support the requested option.
#define DEADSTOP_ERROR_UNSUPPORTED -10

// A report is written.
#define DEADSTOP_ON_STALL_REPORT 0

// A report is written, and the shutdown begins.
#define DEADSTOP_ON_STALL_SHUTDOWN 1

// deadstop puts its handler in front of the host's handler, for each signal that the host
// handles when it calls deadstop_install() or deadstop_chain_signals(). deadstop's handler
// starts the clock and then calls the host's. Signals with the default action and ignored
// signals stay as they are. The default.
#define DEADSTOP_SIGNALS_CHAIN 0

// deadstop sets no handler. The host calls deadstop_notify_signal() or deadstop_arm() in its
// own handler.
#define DEADSTOP_SIGNALS_NONE 1

// deadstop handles all of `signals`, also those with the default action. For a program without
// its own handlers.
#define DEADSTOP_SIGNALS_HANDLE 2

// The default. With DEADSTOP_SIGNALS_HANDLE the same as
// DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL. Otherwise the same as
// DEADSTOP_SECOND_SIGNAL_IGNORE, since the host's own handler decides.
#define DEADSTOP_SECOND_SIGNAL_DEFAULT 0

// deadstop does nothing on a second signal.
#define DEADSTOP_SECOND_SIGNAL_IGNORE 1

// A second Ctrl-C or Ctrl-\ at the terminal ends the process at once, by that signal.
#define DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL 2

// Any second signal ends the process at once, by that signal.
#define DEADSTOP_SECOND_SIGNAL_END 3

// The host ends the process when the tasks are done, by its own exit or by returning from
// main. The default.
#define DEADSTOP_WHEN_DONE_WAIT 0

// deadstop ends the process as soon as the tasks are done.
#define DEADSTOP_WHEN_DONE_EXIT 1

// No lines about a shutdown whose tasks are all done. The default.
#define DEADSTOP_PROGRESS_OFF 0

// A line on standard error when the shutdown begins, one every few seconds, and a summary.
#define DEADSTOP_PROGRESS_STDERR 1

// Reports go to standard error as text. The default.
#define DEADSTOP_STDERR_TEXT 0

// Reports go to standard error as JSON, one line each.
#define DEADSTOP_STDERR_JSON 1

// No report goes to standard error.
#define DEADSTOP_STDERR_NONE 2

// The kernel has no backup timer for this process.
#define DEADSTOP_BACKUP_TIMER_ABSENT 0

// The backup timer sends a real-time signal whose handler ends the process (pid 1).
#define DEADSTOP_BACKUP_TIMER_HANDLER 1

// The backup timer sends SIGKILL.
#define DEADSTOP_BACKUP_TIMER_KILL 2

// The context of a running task. Valid until its function returns.
typedef struct deadstop_context deadstop_context;

// A sign of life that a loop gives periodically.
typedef struct deadstop_heartbeat deadstop_heartbeat;

// A registered task.
typedef struct deadstop_task deadstop_task;

// The settings of deadstop_install(). Zero in every field except `size` means the defaults.
//
//     deadstop_options options = { .size = sizeof options, .grace_ms = 25000 };
typedef struct deadstop_options {
  // sizeof(deadstop_options): later versions have more fields.
  size_t size;
  // Milliseconds from the first trigger to the deadline; 0 for 10,000.
  uint64_t grace_ms;
  // The exit status at the deadline, 1 to 255; 0 for 124.
  uint8_t exit_status;
  // The exit status if a task left its work undone, 1 to 255; 0 for 1.
  uint8_t failure_status;
  // One of DEADSTOP_SIGNALS_.
  uint8_t signal_mode;
  // One of DEADSTOP_SECOND_SIGNAL_.
  uint8_t second_signal;
  // One of DEADSTOP_WHEN_DONE_.
  uint8_t when_done;
  // One of DEADSTOP_PROGRESS_.
  uint8_t progress;
  // One of DEADSTOP_STDERR_.
  uint8_t stderr_format;
  // 1 to fail if the kernel refuses the backup timer.
  uint8_t require_backup_timer;
  // The signals that begin the shutdown: the sum of 1 << (n - 1) for each signal n;
  // 0 for SIGTERM and SIGINT.
  uint64_t signals;
  // The signals that request a status report, as such a sum. deadstop handles them.
  uint64_t status_signals;
  // A signal that deadstop sends to the process before it writes the hang report, if the
  // host handles it; 0 for none. A JVM prints its stacks on SIGQUIT.
  int32_t stack_dump_signal;
  // Must be 0.
  int32_t reserved;
  // A file for hang reports as JSON; null for none.
  const char *report_file;
  // A file for the termination message; null for /dev/termination-log, if it is there.
  const char *message_file;
  // 1 for a guard: another process that ends this one shortly after its deadline, with
  // status 137. It is for Windows, where the kernel has no such timer. deadstop_install()
  // then starts the program once more. In that second process, the guard, it does not
  // return. So call it first in main, whatever the arguments are. On any other system
  // deadstop_install() returns DEADSTOP_ERROR_UNSUPPORTED and does nothing.
  uint8_t guard;
  // Must be 0.
  uint8_t reserved_bytes[7];
} deadstop_options;

// The function of a task: called once, on a thread of deadstop's. Returns 0 if its work is done,
// and any other number if it failed. It may never return. It must not throw.
typedef int (*deadstop_task_function)(void *user, struct deadstop_context *context);

// A task to register.
typedef struct deadstop_task_options {
  // sizeof(deadstop_task_options): later versions have more fields.
  size_t size;
  // The name that an operator reads if the task hangs. Required.
  const char *name;
  // "unbind", "drain", "flush" or "close"; null for "close".
  const char *phase;
  // Milliseconds after which the shutdown goes on without the task; 0 for the rest of its
  // phase's time.
  uint64_t budget_ms;
  // The task's function. Required.
  deadstop_task_function run;
  // The first argument of `run`. It must be valid until the task has run, was cancelled,
  // or the process ends.
  void *user;
} deadstop_task_options;

// The lines of defense in place. Signals are sums of 1 << (n - 1).
typedef struct deadstop_protection {
  // sizeof(deadstop_protection), set by the caller.
  size_t size;
  // 1 if the watchdog thread runs.
  uint8_t watchdog;
  // One of DEADSTOP_BACKUP_TIMER_.
  uint8_t backup_timer;
  // Signals whose handler is deadstop's.
  uint64_t handled_signals;
  // Signals whose handler another library has replaced since. deadstop_chain_signals() puts
  // deadstop's handler in front of the new ones.
  uint64_t replaced_signals;
  // Signals that the process ignores. They do not begin the shutdown.
  uint64_t ignored_signals;
} deadstop_protection;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Returns the text of the calling thread's last error: empty if there was none. It is
// valid until this thread's next call that fails. Never null.
const char *deadstop_last_error(void);

// Starts a heartbeat: from now on, deadstop_heartbeat_tick() must be called at least every
// `every_ms` milliseconds (10 or more), or `on_stall` happens. A process may have 64 at a time.
//
// # Safety
//
// `name` must end with a null byte, and `heartbeat` be valid for a write.
int deadstop_heartbeat_start(const char *name,
                             uint64_t every_ms,
                             int on_stall,
                             struct deadstop_heartbeat **heartbeat);

// Gives a sign of life: one store. Null is allowed, and does nothing.
//
// Async-signal-safe.
//
// # Safety
//
// `heartbeat` must be null, or a handle that was not stopped.
void deadstop_heartbeat_tick(const struct deadstop_heartbeat *heartbeat);

// Stops the heartbeat and frees its handle. Null is allowed.
//
// # Safety
//
// `heartbeat` must be null, or a handle that was not stopped.
void deadstop_heartbeat_stop(struct deadstop_heartbeat *heartbeat);

// Starts the watchdog, and returns when its thread runs. Null means the defaults. Call it once
// per process, early, and after forking or daemonizing.
//
// After an error the process goes on unprotected, and its signals are as before.
//
// # Safety
//
// `options` must be null or point to a structure of the size that it says.
int deadstop_install(const struct deadstop_options *options);

// Returns the version of the library, such as "0.1.0".
const char *deadstop_version(void);

// Writes the report of the shutdown as JSON: each task, how it ended, and how long it took.
//
// Like snprintf(3): writes at most `size` bytes with a null byte at the end, and returns the
// length of the whole text. DEADSTOP_ERROR_NOT_YET until every task has ended.
//
// # Safety
//
// `buffer` must be valid for writes of `size` bytes, or `size` be 0.
int64_t deadstop_report_json(char *buffer, size_t size);

// Writes warnings about the process's protection for an operator, one sentence per line. Empty
// if there are none. Buffer and result are as those of deadstop_report_json().
//
// # Safety
//
// As for `deadstop_report_json`.
int64_t deadstop_warnings(char *buffer, size_t size);

// Requests a status report in the format of the hang report, on standard error and in the
// report file. The process goes on. Returns 1, or 0 without deadstop_install().
//
// Async-signal-safe.
int deadstop_status_report(void);

// Begins the shutdown: sets the deadline, and runs the tasks. `by` names the part of the
// program that requests it. Reports show it as the cause. Returns 1 if this call began it, 0
// if it had begun before.
//
// # Safety
//
// `by` must point to a text that ends with a null byte.
int deadstop_request(const char *by);

// Returns 1 once the shutdown has begun, else 0. Calls of deadstop_arm() do not begin it.
//
// Async-signal-safe.
int deadstop_is_requested(void);

// Waits until the shutdown has begun and every task has ended. Returns the status to exit
// with, 0 to 255. The deadline stays set.
int deadstop_wait(void);

// Does the same as deadstop_wait(), for at most `timeout_ms` milliseconds. Returns
// DEADSTOP_ERROR_NOT_YET if that time was over first.
int deadstop_wait_for(uint64_t timeout_ms);

// Begins the shutdown, with the cause that the work is done. Then does the same as
// deadstop_wait().
int deadstop_finish(void);

// Begins the shutdown because of a signal that the host received itself. `pid` and `uid` are
// those of the sender; a pid of -1 means "not known". Returns 1, or 0 if the signal is not one
// of those that begin it, or without deadstop_install().
//
// Async-signal-safe.
int deadstop_notify_signal(int signal, int pid, uint32_t uid);

// Puts deadstop's handler in front of the host's again, for each signal that begins the
// shutdown and that the host handles. Call it after the host has set a handler.
// deadstop_install() does the same for the signals that the host handles at that time. Does
// nothing unless `signal_mode` is DEADSTOP_SIGNALS_CHAIN.
int deadstop_chain_signals(void);

// Registers a task. `task` may be null; else it gets a handle, which
// deadstop_task_free() frees.
//
// During the shutdown, tasks are accepted for the current and later phases.
//
// # Safety
//
// `options` must point to a structure of the size that it says, with texts that end with a
// null byte; `task` must be null or valid for a write.
int deadstop_task_add(const struct deadstop_task_options *options, struct deadstop_task **task);

// Cancels the task: it will not run. Returns 1 if this call cancelled it, 0 if it has
// started or was cancelled before.
//
// # Safety
//
// `task` must be a handle that was not freed.
int deadstop_task_cancel(const struct deadstop_task *task);

// Frees the handle. The task stays registered. Null is allowed.
//
// # Safety
//
// `task` must be null, or a handle that was not freed.
void deadstop_task_free(struct deadstop_task *task);

// Sets the text that reports show as the task's progress, up to 128 bytes. It never blocks. It
// does not move the deadline.
//
// # Safety
//
// `context` must be that of a running task, and `text` end with a null byte.
int deadstop_context_progress(const struct deadstop_context *context, const char *text);

// Sets the reason for which the task fails, for the report. The task must still return.
//
// # Safety
//
// `context` must be that of a running task, used by one thread, and `text` end with a null
// byte.
int deadstop_context_fail(struct deadstop_context *context, const char *text);

// Returns the milliseconds until the task is abandoned, 0 if it has been.
//
// # Safety
//
// `context` must be that of a running task.
int64_t deadstop_context_remaining_ms(const struct deadstop_context *context);

// Returns 1 if the shutdown no longer waits for the task, else 0.
//
// # Safety
//
// `context` must be that of a running task.
int deadstop_context_is_abandoned(const struct deadstop_context *context);

// Sets the deadline to one grace from now, unless it is earlier already. There is no way to
// disarm. Does nothing without deadstop_install().
//
// It begins no task, and reports then have no cause. deadstop_request() begins the tasks and
// sets the cause.
//
// Async-signal-safe.
void deadstop_arm(void);

// Does the same as deadstop_arm(), with another grace; 0 ends the process at once.
//
// Async-signal-safe.
void deadstop_arm_within(uint64_t grace_ms);

// Returns the milliseconds until the deadline; -1 while there is none.
//
// Async-signal-safe.
int64_t deadstop_remaining_ms(void);

// Writes the lines of defense of the process to `out`.
//
// # Safety
//
// `out` must point to a structure of the size that its first field says.
int deadstop_read_protection(struct deadstop_protection *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DEADSTOP_H */
