#define _GNU_SOURCE

#include "CWorkerCrew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* How long a helper looks for work before it sleeps. */
#define PATIENCE_NANOSECONDS 2000000
/* Looks between two glances at the clock. */
#define LOOKS 64
/* How often a caller looks for the last helper before it offers its core: the helper may be
   waiting for just that one. */
#define LOOKS_BEFORE_YIELD 4096

#define STACK_BYTES (1 << 21)

/* One line of the cache to each group of values that change together. */
#define OWN_LINE _Alignas(128)

/* `gate`: the lowest bit says that helpers may join the loop, the rest counts those inside. */
#define OPEN 1u
#define ONE_INSIDE 2u

struct wc_crew {
  OWN_LINE atomic_uint ticket; /* number of the current loop */
  atomic_int leaving;
  wc_body *body;
  void *context;
  ptrdiff_t iterations;
  OWN_LINE atomic_ptrdiff_t next;
  OWN_LINE atomic_uint gate;
  OWN_LINE atomic_int busy;
  atomic_int sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  cpu_set_t processors; /* that the crew may use */
  ptrdiff_t helpers;
  pthread_t threads[];
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void drain(wc_crew *crew) {
  const ptrdiff_t iterations = crew->iterations;
  wc_body *const body = crew->body;
  void *const context = crew->context;
  for (;;) {
    ptrdiff_t index = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed);
    if (index >= iterations) return;
    body(context, index);
  }
}

/* The number of a loop after `seen`. */
static unsigned next_ticket(wc_crew *crew, unsigned seen) {
  const int64_t until = nanoseconds() + PATIENCE_NANOSECONDS;
  do {
    for (int look = 0; look < LOOKS; look++) {
      unsigned ticket = atomic_load_explicit(&crew->ticket, memory_order_acquire);
      if (ticket != seen) return ticket;
      relax();
    }
  } while (nanoseconds() < until);
  pthread_mutex_lock(&crew->mutex);
  atomic_fetch_add(&crew->sleepers, 1);
  unsigned ticket;
  while ((ticket = atomic_load(&crew->ticket)) == seen) {
    pthread_cond_wait(&crew->wake, &crew->mutex);
  }
  atomic_fetch_sub(&crew->sleepers, 1);
  pthread_mutex_unlock(&crew->mutex);
  return ticket;
}

static void *work(void *argument) {
  wc_crew *crew = argument;
  pthread_setaffinity_np(pthread_self(), sizeof(crew->processors), &crew->processors);
  unsigned seen = 0;
  for (;;) {
    seen = next_ticket(crew, seen);
    if (atomic_load(&crew->leaving)) return NULL;
    if (atomic_fetch_add(&crew->gate, ONE_INSIDE) & OPEN) drain(crew);
    atomic_fetch_sub(&crew->gate, ONE_INSIDE);
  }
}

/* Sleepers count themselves before they look at the ticket for the last time. */
static void announce(wc_crew *crew) {
  atomic_fetch_add(&crew->ticket, 1);
  if (atomic_load(&crew->sleepers) == 0) return;
  pthread_mutex_lock(&crew->mutex);
  pthread_cond_broadcast(&crew->wake);
  pthread_mutex_unlock(&crew->mutex);
}

/* Helpers start beside the caller's processor, and are free to move from there: the scheduler is
   slow to part two threads that both seem busy. */
static void start_apart(const wc_crew *crew, pthread_attr_t *attributes) {
  cpu_set_t others = crew->processors;
  int own = sched_getcpu();
  if (own >= 0 && own < CPU_SETSIZE) CPU_CLR(own, &others);
  if (CPU_COUNT(&others) > 0) {
    pthread_attr_setaffinity_np(attributes, sizeof(others), &others);
  }
}

wc_crew *wc_start(ptrdiff_t helpers) {
  if (helpers < 1 || helpers > 4096) return NULL;
  const size_t line = _Alignof(wc_crew);
  size_t bytes = sizeof(wc_crew) + (size_t)helpers * sizeof(pthread_t);
  wc_crew *crew = aligned_alloc(line, (bytes + line - 1) / line * line);
  if (!crew) return NULL;
  atomic_init(&crew->ticket, 0);
  atomic_init(&crew->leaving, 0);
  atomic_init(&crew->next, 0);
  atomic_init(&crew->gate, 0);
  atomic_init(&crew->busy, 0);
  atomic_init(&crew->sleepers, 0);
  pthread_mutex_init(&crew->mutex, NULL);
  pthread_cond_init(&crew->wake, NULL);
  crew->helpers = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  CPU_ZERO(&crew->processors);
  pthread_getaffinity_np(pthread_self(), sizeof(crew->processors), &crew->processors);
  start_apart(crew, &attributes);
  while (crew->helpers < helpers &&
         pthread_create(&crew->threads[crew->helpers], &attributes, work, crew) == 0) {
    crew->helpers++;
  }
  pthread_attr_destroy(&attributes);
  if (crew->helpers > 0) return crew;
  wc_dismiss(crew);
  return NULL;
}

int wc_run(wc_crew *crew, ptrdiff_t iterations, wc_body *body, void *context) {
  if (atomic_exchange_explicit(&crew->busy, 1, memory_order_acquire)) return 0;
  crew->body = body;
  crew->context = context;
  crew->iterations = iterations;
  atomic_store_explicit(&crew->next, 0, memory_order_relaxed);
  atomic_fetch_or(&crew->gate, OPEN);
  announce(crew);
  drain(crew);
  /* No helper joins from here on; those inside finish their last iteration. */
  atomic_fetch_and(&crew->gate, ~OPEN);
  for (int looks = 0; atomic_load_explicit(&crew->gate, memory_order_acquire) != 0; looks++) {
    if (looks < LOOKS_BEFORE_YIELD) {
      relax();
    } else {
      sched_yield();
    }
  }
  atomic_store_explicit(&crew->busy, 0, memory_order_release);
  return 1;
}

void wc_dismiss(wc_crew *crew) {
  atomic_store(&crew->leaving, 1);
  announce(crew);
  for (ptrdiff_t i = 0; i < crew->helpers; i++) pthread_join(crew->threads[i], NULL);
  pthread_cond_destroy(&crew->wake);
  pthread_mutex_destroy(&crew->mutex);
  free(crew);
}
