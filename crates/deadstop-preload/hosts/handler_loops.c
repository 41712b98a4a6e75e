/* A handler that never returns: also built static, where nothing can be preloaded. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void closing(int number) { (void)number; for (;;) {} }

int main(void) {
    signal(SIGTERM, closing);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
