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

/* The whole state of a loop in one word, so that every step is one access. From the lowest bit on:
   22 bits  NONE_LEFT + the iterations that nobody has taken; takers may count below NONE_LEFT
   21 bits  iterations that helpers took
    9 bits  helpers inside
   12 bits  number of the loop */
#define NONE_LEFT (1ull << 20)
#define LEFT_MASK ((1ull << 22) - 1)
#define MOST_ITERATIONS (1ll << 20)
#define ONE_HELPED (1ull << 22)
#define HELPED_MASK (((1ull << 21) - 1) << 22)
#define ONE_INSIDE (1ull << 43)
#define INSIDE_MASK (((1ull << 9) - 1) << 43)
#define MOST_HELPERS 256
#define ONE_LOOP (1ull << 52)

struct wc_crew {
  OWN_LINE atomic_ullong state;
  wc_body *body;
  void *context;
  ptrdiff_t iterations;
  OWN_LINE atomic_int busy;
  atomic_int sleepers;
  atomic_int leaving;
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

static uint64_t loop_of(uint64_t state) { return state / ONE_LOOP; }

/* Iterations left in a state. Where there are any, it is that of the current loop, whose fields
   were written before it. */
static int any_left(uint64_t state) { return (state & LEFT_MASK) > NONE_LEFT; }

/* The caller takes iterations from the front, helpers from the back, so that a thread finds what
   it wrote in one loop near in the next. `state` is the one before the first was taken. */
static void help(wc_crew *crew, uint64_t state) {
  while (any_left(state)) {
    ptrdiff_t helped = (ptrdiff_t)((state & HELPED_MASK) / ONE_HELPED);
    crew->body(crew->context, crew->iterations - 1 - helped);
    state = atomic_fetch_add(&crew->state, ONE_HELPED - 1);
  }
}

/* Returns when there is a loop after number `seen`. */
static void await_loop(wc_crew *crew, uint64_t seen) {
  const int64_t until = nanoseconds() + PATIENCE_NANOSECONDS;
  do {
    for (int look = 0; look < LOOKS; look++) {
      if (loop_of(atomic_load_explicit(&crew->state, memory_order_relaxed)) != seen) return;
      relax();
    }
  } while (nanoseconds() < until);
  pthread_mutex_lock(&crew->mutex);
  atomic_fetch_add(&crew->sleepers, 1);
  while (loop_of(atomic_load(&crew->state)) == seen) {
    pthread_cond_wait(&crew->wake, &crew->mutex);
  }
  atomic_fetch_sub(&crew->sleepers, 1);
  pthread_mutex_unlock(&crew->mutex);
}

static void *work(void *argument) {
  wc_crew *crew = argument;
  pthread_setaffinity_np(pthread_self(), sizeof(crew->processors), &crew->processors);
  uint64_t seen = 0;
  for (;;) {
    await_loop(crew, seen);
    uint64_t state = atomic_fetch_add(&crew->state, ONE_INSIDE + ONE_HELPED - 1);
    seen = loop_of(state);
    if (atomic_load(&crew->leaving)) return NULL;
    help(crew, state);
    atomic_fetch_sub(&crew->state, ONE_INSIDE);
  }
}

/* Starts the next loop. Helpers late for the last one may be inside still, with nothing to do. */
static void publish(wc_crew *crew, ptrdiff_t iterations) {
  unsigned long long state = atomic_load(&crew->state), next;
  do {
    next = ((state & ~(LEFT_MASK | HELPED_MASK)) + ONE_LOOP) + NONE_LEFT + (uint64_t)iterations;
  } while (!atomic_compare_exchange_weak(&crew->state, &state, next));
  /* Sleepers count themselves before they look for the last time. */
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
  if (helpers < 1) return NULL;
  if (helpers > MOST_HELPERS) helpers = MOST_HELPERS;
  const size_t line = _Alignof(wc_crew);
  size_t bytes = sizeof(wc_crew) + (size_t)helpers * sizeof(pthread_t);
  wc_crew *crew = aligned_alloc(line, (bytes + line - 1) / line * line);
  if (!crew) return NULL;
  atomic_init(&crew->state, NONE_LEFT);
  atomic_init(&crew->leaving, 0);
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
  if (iterations < 1 || iterations > MOST_ITERATIONS) return 0;
  if (atomic_exchange_explicit(&crew->busy, 1, memory_order_acquire)) return 0;
  crew->body = body;
  crew->context = context;
  crew->iterations = iterations;
  publish(crew, iterations);
  for (ptrdiff_t taken = 0; any_left(atomic_fetch_sub(&crew->state, 1)); taken++) {
    body(context, taken);
  }
  /* Nothing is left; helpers inside finish their last iteration. */
  for (int looks = 0; atomic_load(&crew->state) & INSIDE_MASK; looks++) {
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
  publish(crew, 0);
  for (ptrdiff_t i = 0; i < crew->helpers; i++) pthread_join(crew->threads[i], NULL);
  pthread_cond_destroy(&crew->wake);
  pthread_mutex_destroy(&crew->mutex);
  free(crew);
}
