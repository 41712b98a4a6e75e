/* The signal is read from a descriptor, and then the program loops. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct pollfd wait = {signalfd(-1, &set, SFD_CLOEXEC), POLLIN, 0};
    puts("ready");
    fflush(stdout);
    poll(&wait, 1, -1);
    struct signalfd_siginfo info;
    if (read(wait.fd, &info, sizeof info) != sizeof info) return 1;
    for (;;) {}
}
