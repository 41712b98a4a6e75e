/*
 * The least that ends a process at a deadline: a thread that sleeps and calls
 * _exit, or a timer in the kernel that sends SIGKILL.
 *
 *   bare thread|timer SPINNERS ALLOCATORS PARKED GRACE_NS PAGE_FD
 *
 * What it shares with the bench is in ../page.rs, and its loads are those of
 * ../conditions.rs.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TIMED_OUT = 124, USAGE = 2 };

struct page {
    _Atomic uint64_t ender, policy, ready, loaded, deadline, ended, armed;
};

static struct page *page;
static _Atomic int armed;
static _Atomic int running;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct timespec timespec(uint64_t nanos)
{
    struct timespec time = { (time_t)(nanos / 1000000000u), (long)(nanos % 1000000000u) };
    return time;
}

static void doze(void)
{
    struct timespec millisecond = { 0, 1000000 };
    nanosleep(&millisecond, NULL);
}

static void *watch(void *unused)
{
    (void)unused;
    prctl(PR_SET_TIMERSLACK, 1);
    page->policy = (uint64_t)sched_getscheduler(0) + 1;
    page->ender = (uint64_t)syscall(SYS_gettid);
    while (!armed)
        syscall(SYS_futex, &armed, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    struct timespec deadline = timespec(page->deadline);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) != 0)
        ;
    page->ended = now();
    _exit(TIMED_OUT);
}

static void *spin(void *unused)
{
    running++;
    for (;;)
        __asm__ volatile("");
    return unused;
}

static void *allocate(void *unused)
{
    const size_t together = 16 << 20, largest = 1 << 20;
    static const size_t most = 4096;
    char **blocks = calloc(most, sizeof *blocks);
    running++;
    for (;;) {
        size_t size = 48, taken = 0, count = 0;
        for (; taken < together && count < most; count++) {
            volatile char *block = blocks[count] = malloc(size);
            if (!block)
                abort();
            for (size_t at = 0; at < size; at += 4096)
                block[at] = 1;
            taken += size;
            size = size < largest ? size * 3 / 2 : 48;
        }
        while (count)
            free(blocks[--count]);
    }
    return unused;
}

static void *park(void *unused)
{
    running++;
    for (;;)
        pause();
    return unused;
}

static void crowd(int count, void *(*life)(void *))
{
    running = 0;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, life, NULL) != 0)
            abort();
    }
    while (running < count)
        doze();
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return USAGE;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int by_thread = strcmp(argv[1], "thread") == 0;
    uint64_t grace = strtoull(argv[5], NULL, 10);
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[6]), 0);
    if (page == MAP_FAILED)
        return USAGE;

    pthread_t watchdog;
    timer_t timer;
    struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    if (by_thread) {
        if (pthread_create(&watchdog, NULL, watch, NULL) != 0)
            abort();
        while (!page->ender)
            doze();
    } else if (timer_create(CLOCK_MONOTONIC, &kill, &timer) != 0) {
        abort();
    }

    crowd(atoi(argv[2]), spin);
    crowd(atoi(argv[3]), allocate);
    crowd(atoi(argv[4]), park);
    page->ready = 1;
    while (!page->loaded)
        doze();
    struct timespec settle = { 0, 20000000 };
    nanosleep(&settle, NULL);

    uint64_t deadline = now() + grace;
    page->deadline = deadline;
    if (by_thread) {
        armed = 1;
        syscall(SYS_futex, &armed, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    } else {
        struct itimerspec at = { .it_value = timespec(deadline) };
        if (timer_settime(timer, TIMER_ABSTIME, &at, NULL) != 0)
            abort();
    }
    for (;;)
        pause();
}
