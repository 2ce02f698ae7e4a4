/* tests: who faults is told. cmocka takes a fault for a failed test, and one in a thread of the server, which belongs to no test, ends the program with code 255 and
 * not a word. Here the thread and the way it came are printed and the program dies of it, with a core where cores are kept. cmocka sets its handlers by signal(), and the
 * linker gives it this one. Sanitizers have handlers of their own, which say more; they stay. */
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"

enum { DEEP = 64 };

static void told(int number) {
    void *way[DEEP];
    char thread[32] = "", words[128];
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    int n = snprintf(words, sizeof words, "not ok - signal %d in thread %s; addr2line -ie says where:\n", number, thread);
    ssize_t ignored = write(STDOUT_FILENO, words, (size_t)n);
    (void)ignored;
    backtrace_symbols_fd(way, backtrace(way, DEEP), STDOUT_FILENO);
    raise(number); /* the handler is gone by now */
}

static bool is_fault(int number) {
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

void (*signal(int number, void (*handler)(int)))(int) {
    struct sigaction is = {.sa_handler = handler, .sa_flags = SA_RESTART}, was;
    if (is_fault(number) && SANITIZED) return SIG_DFL;
    if (is_fault(number)) is = (struct sigaction){.sa_handler = told, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    return sigaction(number, &is, &was) == 0 ? was.sa_handler : SIG_ERR;
}
