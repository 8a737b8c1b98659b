/* Threads that run the iterations of loops. Helpers look for the next loop a while before they
   sleep, so that loops in quick succession find them awake. */
#ifndef CWORKERCREW_H
#define CWORKERCREW_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wc_crew wc_crew;
typedef void wc_body(void *context, ptrdiff_t index);

/* A crew of the caller and `helpers` threads, fewer where the system has no more to give; NULL
   where it has no memory or no thread. */
wc_crew *wc_start(ptrdiff_t helpers);

/* Calls body(context, 0) ... body(context, iterations - 1), each once, in any order and on any
   thread of the crew, and returns after all. Returns 0, having called nothing, where the crew is
   busy with another loop or there are more than 2^20 iterations, or none. */
int wc_run(wc_crew *crew, ptrdiff_t iterations, wc_body *body, void *context);

/* Sends the helpers home and frees the crew. No loop may be running. */
void wc_dismiss(wc_crew *crew);

#ifdef __cplusplus
}
#endif
#endif
