/*
 * Cases of the C interface, one for each run: `abi CASE`. `.ci/hosts` compares how each
 * ends. A case that finds something wrong says so and ends with 90.
 */
#include <deadstop.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "abi.c:%d: %s; %s\n", __LINE__, #condition,               \
                    deadstop_last_error());                                           \
            _exit(90);                                                                \
        }                                                                             \
    } while (0)

/* Long enough for the report to be there under load: it comes a tenth before the end. */
#define REPORTED_MS 3000

static void install(uint64_t grace_ms, uint8_t signal_mode) {
    deadstop_options options = {.size = sizeof options, .grace_ms = grace_ms,
                                .signal_mode = signal_mode};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
}

static void spin(void) {
    for (volatile unsigned long n = 0;; n++) {
    }
}

static int returns(void *user, deadstop_context *context) {
    (void)context;
    return *(int *)user;
}

static int fails(void *user, deadstop_context *context) {
    (void)user;
    return deadstop_context_fail(context, "disk full");
}

static int waits_for_itself(void *user, deadstop_context *context) {
    (void)context;
    *(int *)user = deadstop_wait();
    return 0;
}

static int spins(void *user, deadstop_context *context) {
    (void)user;
    deadstop_context_progress(context, "segment 12 of 40");
    spin();
    return 0;
}

static int add(const char *name, const char *phase, deadstop_task_function run, void *user) {
    deadstop_task_options options = {
        .size = sizeof options, .name = name, .phase = phase, .run = run, .user = user};
    return deadstop_task_add(&options, NULL);
}

/* ---- level 1 ---- */

static void arm_ends_a_loop(void) {
    install(500, DEADSTOP_SIGNALS_NONE);
    CHECK(deadstop_remaining_ms() == -1);
    deadstop_arm();
    CHECK(deadstop_remaining_ms() >= 0 && deadstop_remaining_ms() <= 500);
    CHECK(!deadstop_is_requested());
    spin();
}

static void arm_within_brings_the_deadline_forward(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    deadstop_arm();
    deadstop_arm_within(500);
    deadstop_arm_within(90000);
    CHECK(deadstop_remaining_ms() <= 500);
    spin();
}

static void exit_status_is_the_one_that_was_set(void) {
    deadstop_options options = {.size = sizeof options, .grace_ms = 300, .exit_status = 75};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
    deadstop_arm();
    spin();
}

static void host_ends_by_its_own_exit(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    CHECK(deadstop_request("the host") == 1);
    exit(7);
}

static void exit_handler_that_hangs_is_ended(void) {
    install(500, DEADSTOP_SIGNALS_NONE);
    atexit(spin);
    CHECK(deadstop_request("the host") == 1);
    exit(7);
}

static void nothing_without_install(void) {
    deadstop_arm();
    CHECK(deadstop_remaining_ms() == -1);
    CHECK(deadstop_request("x") == DEADSTOP_ERROR_NOT_INSTALLED);
    CHECK(deadstop_wait() == DEADSTOP_ERROR_NOT_INSTALLED);
    CHECK(deadstop_chain_signals() == DEADSTOP_ERROR_NOT_INSTALLED);
    CHECK(deadstop_notify_signal(SIGTERM, -1, 0) == 0);
    CHECK(deadstop_status_report() == 0);
    CHECK(strstr(deadstop_last_error(), "deadstop_install") != NULL);
    CHECK(deadstop_version()[0] != '\0');
}

/* ---- arguments ---- */

static void guard_is_refused_and_older_options_are_read(void) {
    deadstop_options options = {.size = sizeof options, .guard = 1};
    CHECK(deadstop_install(&options) == DEADSTOP_ERROR_UNSUPPORTED);
    CHECK(strstr(deadstop_last_error(), "`guard` must be 0 on this system") != NULL);
    /* Nothing is installed: the first version's structure, which has no such field, is. */
    options.size = offsetof(deadstop_options, guard);
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
}

static void wrong_arguments_are_refused(void) {
    deadstop_options options = {.size = 3};
    CHECK(deadstop_install(&options) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(strstr(deadstop_last_error(), "sizeof(deadstop_options)") != NULL);
    options.size = sizeof options;
    options.signals = 1ull << (SIGKILL - 1);
    CHECK(deadstop_install(&options) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(strstr(deadstop_last_error(), "SIGKILL") != NULL);
    /* glibc keeps it for itself. */
    options.signals = 1ull << (32 - 1);
    CHECK(deadstop_install(&options) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(strstr(deadstop_last_error(), "signal 32") != NULL);
    options.signals = 0;
    options.report_file = "/nowhere/report.json";
    CHECK(deadstop_install(&options) == DEADSTOP_ERROR_SYSTEM);
    CHECK(strstr(deadstop_last_error(), "/nowhere/report.json") != NULL);
    /* After errors it still works, with the defaults too. */
    CHECK(deadstop_install(NULL) == DEADSTOP_OK);
    CHECK(deadstop_install(NULL) == DEADSTOP_ERROR_ALREADY_INSTALLED);
    int zero = 0;
    CHECK(add(NULL, NULL, returns, &zero) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(add("  ", NULL, returns, &zero) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(add("\xff", NULL, returns, &zero) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(add("a", NULL, NULL, &zero) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(add("a", "nowhere", returns, &zero) == DEADSTOP_ERROR_REFUSED);
    CHECK(deadstop_task_add(NULL, NULL) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(deadstop_task_cancel(NULL) == DEADSTOP_ERROR_ARGUMENT);
    deadstop_task_free(NULL);
    deadstop_heartbeat *beat = NULL;
    CHECK(deadstop_heartbeat_start("b", 1, 0, &beat) == DEADSTOP_ERROR_ARGUMENT);
    CHECK(deadstop_heartbeat_start("b", 1000, 9, &beat) == DEADSTOP_ERROR_ARGUMENT);
    deadstop_heartbeat_tick(beat);
    deadstop_heartbeat_stop(beat);
    CHECK(deadstop_report_json(NULL, 0) == DEADSTOP_ERROR_NOT_YET);
    CHECK(deadstop_wait_for(10) == DEADSTOP_ERROR_NOT_YET);
    deadstop_protection protection = {.size = 1};
    CHECK(deadstop_read_protection(&protection) == DEADSTOP_ERROR_ARGUMENT);
    protection.size = sizeof protection;
    CHECK(deadstop_read_protection(&protection) == DEADSTOP_OK);
    CHECK(protection.watchdog == 1);
}

/* ---- level 2 ---- */

static void tasks_run_and_the_report_is_json(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    int zero = 0;
    CHECK(add("flush", "flush", returns, &zero) == DEADSTOP_OK);
    deadstop_task *cancelled = NULL;
    deadstop_task_options options = {
        .size = sizeof options, .name = "goodbye", .run = returns, .user = &zero};
    CHECK(deadstop_task_add(&options, &cancelled) == DEADSTOP_OK);
    CHECK(deadstop_task_cancel(cancelled) == 1);
    CHECK(deadstop_task_cancel(cancelled) == 0);
    deadstop_task_free(cancelled);
    CHECK(deadstop_request("a test") == 1);
    CHECK(deadstop_request("a test") == 0);
    CHECK(deadstop_is_requested() == 1);
    CHECK(deadstop_wait() == 0);
    CHECK(add("late", NULL, returns, &zero) == DEADSTOP_ERROR_REFUSED);
    char small[8], all[8192];
    int64_t length = deadstop_report_json(all, sizeof all);
    CHECK(length > 0 && (size_t)length == strlen(all));
    CHECK(deadstop_report_json(small, sizeof small) == length);
    CHECK(strlen(small) == 7 && strncmp(small, all, 7) == 0);
    puts(all);
}

static void failed_task_makes_the_status_1(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    int seven = 7;
    CHECK(add("code", NULL, returns, &seven) == DEADSTOP_OK);
    CHECK(add("text", NULL, fails, NULL) == DEADSTOP_OK);
    int status = deadstop_finish();
    char report[8192];
    CHECK(deadstop_report_json(report, sizeof report) > 0);
    CHECK(strstr(report, "returned 7") != NULL);
    CHECK(strstr(report, "disk full") != NULL);
    exit(status);
}

static void task_that_waits_for_itself_gets_an_error(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    int result = 0;
    CHECK(add("waits", NULL, waits_for_itself, &result) == DEADSTOP_OK);
    CHECK(deadstop_finish() == 0);
    CHECK(result == DEADSTOP_ERROR_FROM_TASK);
}

static void hung_task_is_ended_and_named(void) {
    install(REPORTED_MS, DEADSTOP_SIGNALS_NONE);
    CHECK(add("flush the log", "flush", spins, NULL) == DEADSTOP_OK);
    exit(deadstop_finish());
}

static void stalled_heartbeat_begins_the_shutdown(void) {
    install(REPORTED_MS, DEADSTOP_SIGNALS_NONE);
    deadstop_heartbeat *beat = NULL;
    CHECK(deadstop_heartbeat_start("consumer", 3000, DEADSTOP_ON_STALL_SHUTDOWN, &beat) == 0);
    for (int n = 0; n < 10; n++) {
        deadstop_heartbeat_tick(beat);
        usleep(20000);
    }
    CHECK(!deadstop_is_requested());
    spin();
}

static void report_goes_to_the_file_as_json(void) {
    char path[] = "report-XXXXXX";
    CHECK(mkstemp(path) >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        deadstop_options options = {.size = sizeof options, .grace_ms = REPORTED_MS,
                                    .stderr_format = DEADSTOP_STDERR_NONE,
                                    .report_file = path};
        CHECK(deadstop_install(&options) == DEADSTOP_OK);
        CHECK(deadstop_request("a test") == 1);
        spin();
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        fputs(line, stdout);
    }
    fclose(file);
    unlink(path);
    exit(WEXITSTATUS(status));
}

static void report_goes_to_standard_error_as_json(void) {
    deadstop_options options = {.size = sizeof options, .grace_ms = REPORTED_MS,
                                .stderr_format = DEADSTOP_STDERR_JSON};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
    CHECK(deadstop_request("a test") == 1);
    spin();
}

static void on_report(int number) {
    (void)number;
    static const char said[] = "stacks of the host\n";
    CHECK(write(1, said, sizeof said - 1) > 0);
}

static void host_is_asked_for_its_own_stacks(void) {
    signal(SIGQUIT, on_report);
    deadstop_options options = {.size = sizeof options, .grace_ms = REPORTED_MS,
                                .stack_dump_signal = SIGQUIT};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
    CHECK(deadstop_request("a test") == 1);
    spin();
}

static void progress_is_on_standard_error(void) {
    deadstop_options options = {.size = sizeof options, .grace_ms = 60000,
                                .progress = DEADSTOP_PROGRESS_STDERR};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
    int zero = 0;
    CHECK(add("flush", NULL, returns, &zero) == DEADSTOP_OK);
    CHECK(deadstop_request("a test") == 1);
    CHECK(deadstop_wait() == 0);
}

static void process_ends_when_its_tasks_are_done(void) {
    deadstop_options options = {.size = sizeof options, .grace_ms = 60000,
                                .when_done = DEADSTOP_WHEN_DONE_EXIT};
    CHECK(deadstop_install(&options) == DEADSTOP_OK);
    int seven = 7;
    CHECK(add("flush", NULL, returns, &seven) == DEADSTOP_OK);
    CHECK(deadstop_request("a test") == 1);
    spin();
}

/* ---- fork ---- */

static void forked_child_gets_errors_and_may_install(void) {
    install(60000, DEADSTOP_SIGNALS_NONE);
    int zero = 0;
    deadstop_task *task = NULL;
    deadstop_task_options options = {
        .size = sizeof options, .name = "a", .run = returns, .user = &zero};
    CHECK(deadstop_task_add(&options, &task) == DEADSTOP_OK);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        deadstop_arm_within(0);
        CHECK(deadstop_remaining_ms() == -1);
        CHECK(deadstop_request("x") == DEADSTOP_ERROR_FORKED);
        CHECK(strstr(deadstop_last_error(), "fork") != NULL);
        CHECK(deadstop_is_requested() == 0);
        CHECK(deadstop_wait() == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_wait_for(10) == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_finish() == DEADSTOP_ERROR_FORKED);
        CHECK(add("b", NULL, returns, &zero) == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_task_cancel(task) == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_chain_signals() == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_notify_signal(SIGTERM, -1, 0) == 0);
        CHECK(deadstop_status_report() == 0);
        CHECK(deadstop_report_json(NULL, 0) == DEADSTOP_ERROR_FORKED);
        CHECK(deadstop_warnings(NULL, 0) == DEADSTOP_ERROR_FORKED);
        deadstop_protection protection = {.size = sizeof protection};
        CHECK(deadstop_read_protection(&protection) == DEADSTOP_ERROR_FORKED);
        deadstop_heartbeat *beat = NULL;
        CHECK(deadstop_heartbeat_start("b", 1000, 0, &beat) == DEADSTOP_ERROR_FORKED);
        install(500, DEADSTOP_SIGNALS_NONE);
        deadstop_arm();
        spin();
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(deadstop_remaining_ms() == -1);
    exit(WEXITSTATUS(status));
}

/* ---- signals ---- */

static volatile sig_atomic_t first_calls, second_calls;
static pid_t first_sender;

static void first(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    first_calls++;
    first_sender = info->si_pid;
}

static struct sigaction before_second;

static void second(int number) {
    second_calls++;
    /* As libraries do that were brought up well: on to the one before, which is deadstop's. */
    if (before_second.sa_flags & SA_SIGINFO) {
        siginfo_t none;
        memset(&none, 0, sizeof none);
        none.si_pid = getpid();
        before_second.sa_sigaction(number, &none, NULL);
    }
}

static void set_first(int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = first;
    action.sa_flags = SA_SIGINFO | flags;
    CHECK(sigaction(SIGTERM, &action, NULL) == 0);
}

static void host_handler_runs_and_the_clock_starts(void) {
    set_first(0);
    install(800, DEADSTOP_SIGNALS_CHAIN);
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(first_calls == 1);
    CHECK(first_sender == getpid());
    CHECK(deadstop_is_requested() == 1);
    spin();
}

static void handler_set_later_is_noticed_and_chained_again(void) {
    set_first(0);
    install(800, DEADSTOP_SIGNALS_CHAIN);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = second;
    CHECK(sigaction(SIGTERM, &action, &before_second) == 0);
    deadstop_protection protection = {.size = sizeof protection};
    CHECK(deadstop_read_protection(&protection) == DEADSTOP_OK);
    CHECK(protection.replaced_signals == 1ull << (SIGTERM - 1));
    char warnings[1024];
    CHECK(deadstop_warnings(warnings, sizeof warnings) > 0);
    CHECK(strstr(warnings, "deadstop_chain_signals") != NULL);
    for (int n = 0; n < 20; n++) {
        CHECK(deadstop_chain_signals() == DEADSTOP_OK);
    }
    CHECK(deadstop_read_protection(&protection) == DEADSTOP_OK);
    CHECK(protection.replaced_signals == 0);
    CHECK(protection.handled_signals == 1ull << (SIGTERM - 1));
    CHECK(kill(getpid(), SIGTERM) == 0);
    /* The second calls deadstop's first, which calls the host's first: each once. */
    CHECK(second_calls == 1 && first_calls == 1);
    CHECK(deadstop_is_requested() == 1);
    spin();
}

/* libuv: the same function each time, and the default action in between. */
static void same_handler_set_a_hundred_times_is_chained_each_time(void) {
    install(800, DEADSTOP_SIGNALS_CHAIN);
    for (int n = 0; n < 100; n++) {
        signal(SIGTERM, SIG_DFL);
        CHECK(deadstop_chain_signals() == DEADSTOP_OK);
        set_first(0);
        CHECK(deadstop_chain_signals() == DEADSTOP_OK);
    }
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(first_calls == 1);
    CHECK(deadstop_is_requested() == 1);
    spin();
}

static void signal_that_the_host_does_not_handle_keeps_its_action(void) {
    install(60000, DEADSTOP_SIGNALS_CHAIN);
    kill(getpid(), SIGTERM);
    _exit(91);
}

static void signal_that_the_host_ignores_stays_ignored(void) {
    signal(SIGTERM, SIG_IGN);
    install(60000, DEADSTOP_SIGNALS_CHAIN);
    kill(getpid(), SIGTERM);
    CHECK(!deadstop_is_requested());
    deadstop_protection protection = {.size = sizeof protection};
    CHECK(deadstop_read_protection(&protection) == DEADSTOP_OK);
    CHECK(protection.ignored_signals == 1ull << (SIGTERM - 1));
}

static void one_shot_handler_stays_one_shot(void) {
    set_first(SA_RESETHAND);
    install(60000, DEADSTOP_SIGNALS_CHAIN);
    kill(getpid(), SIGTERM);
    CHECK(first_calls == 1);
    kill(getpid(), SIGTERM);
    _exit(91);
}

static void forked_child_keeps_the_host_handler(void) {
    set_first(0);
    install(500, DEADSTOP_SIGNALS_CHAIN);
    pid_t child = fork();
    if (child == 0) {
        CHECK(kill(getpid(), SIGTERM) == 0);
        CHECK(first_calls == 1);
        CHECK(deadstop_remaining_ms() == -1);
        usleep(700000);
        _exit(5);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 90);
}

static void signal_without_a_handler_is_handled_on_request(void) {
    install(800, DEADSTOP_SIGNALS_HANDLE);
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(deadstop_is_requested() == 1);
    spin();
}

static void hand_over(int number) {
    deadstop_notify_signal(number, 77, 88);
}

static void signal_is_handed_over_by_the_host(void) {
    install(REPORTED_MS, DEADSTOP_SIGNALS_NONE);
    signal(SIGTERM, hand_over);
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(deadstop_notify_signal(SIGHUP, -1, 0) == 0);
    spin();
}

/* The signal arrives in a thread that is within malloc all the time. */
static void *allocates(void *unused) {
    for (;;) {
        void *volatile block = malloc(64);
        free(block);
    }
    return unused;
}

static void signal_within_malloc_starts_the_clock(void) {
    set_first(0);
    install(800, DEADSTOP_SIGNALS_CHAIN);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, allocates, NULL) == 0);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    usleep(10000);
    for (int n = 0; n < 200; n++) {
        pthread_kill(thread, SIGTERM);
    }
    for (;;) {
        pause();
    }
}

/* ---- controls ---- */

static void loop_without_deadstop_stays(void) {
    set_first(0);
    kill(getpid(), SIGTERM);
    spin();
}

#define CASE(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    CASE(arm_ends_a_loop),
    CASE(arm_within_brings_the_deadline_forward),
    CASE(exit_status_is_the_one_that_was_set),
    CASE(host_ends_by_its_own_exit),
    CASE(exit_handler_that_hangs_is_ended),
    CASE(nothing_without_install),
    CASE(wrong_arguments_are_refused),
    CASE(guard_is_refused_and_older_options_are_read),
    CASE(tasks_run_and_the_report_is_json),
    CASE(failed_task_makes_the_status_1),
    CASE(task_that_waits_for_itself_gets_an_error),
    CASE(hung_task_is_ended_and_named),
    CASE(stalled_heartbeat_begins_the_shutdown),
    CASE(report_goes_to_the_file_as_json),
    CASE(report_goes_to_standard_error_as_json),
    CASE(host_is_asked_for_its_own_stacks),
    CASE(progress_is_on_standard_error),
    CASE(process_ends_when_its_tasks_are_done),
    CASE(forked_child_gets_errors_and_may_install),
    CASE(host_handler_runs_and_the_clock_starts),
    CASE(handler_set_later_is_noticed_and_chained_again),
    CASE(same_handler_set_a_hundred_times_is_chained_each_time),
    CASE(signal_that_the_host_does_not_handle_keeps_its_action),
    CASE(signal_that_the_host_ignores_stays_ignored),
    CASE(one_shot_handler_stays_one_shot),
    CASE(forked_child_keeps_the_host_handler),
    CASE(signal_without_a_handler_is_handled_on_request),
    CASE(signal_is_handed_over_by_the_host),
    CASE(signal_within_malloc_starts_the_clock),
    CASE(loop_without_deadstop_stays),
};

int main(int count, char **arguments) {
    for (size_t n = 0; count == 2 && n < sizeof cases / sizeof *cases; n++) {
        if (strcmp(cases[n].name, arguments[1]) == 0) {
            cases[n].run();
            return 0;
        }
    }
    fprintf(stderr, "no such case\n");
    return 90;
}
