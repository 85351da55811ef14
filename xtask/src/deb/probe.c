/* What the unit's hardening must not forbid: the real-time class, locked memory, machine code made at run time.
   Ends with 0 when all three are granted; prints one line for each. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
#elif defined(__aarch64__)
static const unsigned char code[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6}; /* mov w0, 42; ret */
#else
#error "no machine code for this architecture"
#endif

static int failed;

static void say(const char *what, int good) {
    printf("%s: %s\n", what, good ? "granted" : strerror(errno));
    failed |= !good;
}

int main(void) {
    struct sched_param param = {.sched_priority = 61};
    say("real-time class", sched_setscheduler(0, SCHED_FIFO, &param) == 0);
    say("locked memory", mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int good = page != MAP_FAILED;
    if (good) {
        memcpy(page, code, sizeof code);
        good = mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
    }
    say("code made at run time", good);
    if (good) {
        __builtin___clear_cache((char *)page, (char *)page + sizeof code);
        failed |= ((int (*)(void))page)() != 42;
    }
    return failed;
}
