/* An exit handler that never returns, after a return from main or a call of exit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void never_returns(void) { for (;;) pause(); }

int main(int count, char **arguments) {
    (void)arguments;
    atexit(never_returns);
    puts("ready");
    fflush(stdout);
    if (count > 1) exit(3);
    return 3;
}
