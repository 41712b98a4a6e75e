/*
 * A service with two tasks. The second writes to a pipe that no process reads, and never
 * returns: the process ends at its deadline, with status 124 and a report.
 *
 *   cc service.c $(pkg-config --cflags --libs deadstop) -o service
 *   ./service            hangs at its shutdown, and is ended by the deadline
 *   ./service healthy    ends with 0
 *   ./service alone      hangs, without deadstop: it stays
 */
#include <deadstop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int say_goodbye(void *user, deadstop_context *context) {
    deadstop_context_progress(context, "2 of 3 peers");
    printf("goodbye, %s\n", (const char *)user);
    fflush(stdout);
    return 0;
}

static void write_until_full(int pipe) {
    static const char segment[4096];
    while (write(pipe, segment, sizeof segment) > 0) {
    }
}

static int flush_log(void *user, deadstop_context *context) {
    deadstop_context_progress(context, "segment 12 of 40");
    write_until_full(*(int *)user);
    return 0;
}

static int failed(const char *call) {
    fprintf(stderr, "%s: %s\n", call, deadstop_last_error());
    return 1;
}

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static int alone(int pipe) {
    signal(SIGTERM, stop);
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        usleep(10000);
    }
    write_until_full(pipe);
    return 0;
}

int main(int count, char **arguments) {
    const char *mode = count > 1 ? arguments[1] : "";
    int ends[2];
    if (pipe(ends) != 0) {
        return 1;
    }
    if (strcmp(mode, "alone") == 0) {
        return alone(ends[1]);
    }
    /* This program has no signal handlers of its own. */
    deadstop_options options = {
        .size = sizeof options,
        .grace_ms = 2000,
        .signal_mode = DEADSTOP_SIGNALS_HANDLE,
    };
    if (deadstop_install(&options) != DEADSTOP_OK) {
        return failed("deadstop_install");
    }
    deadstop_task_options goodbye = {
        .size = sizeof goodbye,
        .name = "say goodbye",
        .phase = "unbind",
        .run = say_goodbye,
        .user = "peers",
    };
    deadstop_task_options flush = {
        .size = sizeof flush,
        .name = "flush the log",
        .phase = "flush",
        .run = flush_log,
        .user = &ends[1],
    };
    if (deadstop_task_add(&goodbye, NULL) != DEADSTOP_OK) {
        return failed("deadstop_task_add");
    }
    if (strcmp(mode, "healthy") != 0 && deadstop_task_add(&flush, NULL) != DEADSTOP_OK) {
        return failed("deadstop_task_add");
    }
    puts("ready");
    fflush(stdout);
    return deadstop_wait();
}
