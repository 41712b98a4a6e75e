/* Programs whose threads end by unwinding through the frames of the preload library. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_t main_thread;
static volatile int ready;

static void *works(void *unused) {
  usleep(100000);
  puts("worker done");
  fflush(stdout);
  return 0;
}

static void *cancels(void *unused) {
  pthread_cancel(main_thread);
  return works(unused);
}

static void clean_up(void *unused) { puts("cleaned up"); }

static void *pauses(void *unused) {
  pthread_cleanup_push(clean_up, 0);
  ready = 1;
  for (;;) pause();
  pthread_cleanup_pop(0);
  return 0;
}

static void exits(int signal) { pthread_exit(0); }

int main(int count, char **arguments) {
  pthread_t thread;
  if (!strcmp(arguments[1], "main_exits")) {
    pthread_create(&thread, 0, works, 0);
    pthread_exit(0);
  }
  if (!strcmp(arguments[1], "main_is_canceled")) {
    main_thread = pthread_self();
    pthread_create(&thread, 0, cancels, 0);
    for (;;) pause();
  }
  if (!strcmp(arguments[1], "handler_exits")) {
    signal(SIGTERM, exits);
    pthread_create(&thread, 0, pauses, 0);
    while (!ready) usleep(1000);
    pthread_kill(thread, SIGTERM);
    pthread_join(thread, 0);
    return 0;
  }
  if (!strcmp(arguments[1], "read_is_canceled")) {
    int ends[2];
    char byte;
    main_thread = pthread_self();
    if (pipe(ends)) return 1;
    pthread_create(&thread, 0, cancels, 0);
    return read(ends[0], &byte, 1) == 1;
  }
  return 2;
}
