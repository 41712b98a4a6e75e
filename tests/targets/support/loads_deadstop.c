/*
 * Loads libdeadstop as the packages for other languages do, and hangs after SIGTERM.
 *
 *   loads_deadstop LIBRARY     with a grace of 2 s
 *   loads_deadstop             the control: without it
 */
#include <deadstop.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static int install(const char *file) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    int (*install)(const deadstop_options *);
    const char *(*last_error)(void);
    *(void **)&install = dlsym(library, "deadstop_install");
    *(void **)&last_error = dlsym(library, "deadstop_last_error");
    deadstop_options options = {.size = sizeof options, .grace_ms = 2000};
    if (install(&options) != DEADSTOP_OK) {
        fprintf(stderr, "%s\n", last_error());
        return 1;
    }
    return 0;
}

int main(int count, char **arguments) {
    signal(SIGTERM, stop);
    if (count > 1 && install(arguments[1]) != 0) {
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        usleep(10000);
    }
    for (;;) {
    }
}
