/* What this computer takes for a call, a system call, a switch, a copied byte. Prints "name nanoseconds", a line each.
 * Every value is the least of many short rounds: what disturbs only ever adds, and on a busy computer only a round that
 * is shorter than a time slice has a chance to be left alone. Pinned to one CPU, so that a switch is one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 150
#define PARTS 50
static char buffer[65536];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

/* The least time of `work` for one of its n, a fiftieth of which is a round. */
static double least(void (*work)(int), int n)
{
    double best = 1e18;
    n /= PARTS;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        work(n);
        double each = (now() - start) / n;
        best = each < best ? each : best;
    }
    return best;
}

static void say(const char *name, double ns)
{
    printf("%s %.3f\n", name, ns < 0 ? 0 : ns);
    fflush(stdout);
}

__attribute__((noinline)) static int function(int a) { __asm__ volatile("" : "+r"(a)); return a; }
static void calls(int n) { for (int i = 0; i < n; i++) function(i); }
static void loops(int n) { for (int i = 0; i < n; i++) __asm__ volatile("" : : "r"(i)); }
static void clocks(int n) { struct timespec t; while (n--) clock_gettime(CLOCK_MONOTONIC, &t); }
static void getppids(int n) { while (n--) syscall(SYS_getppid); }

#if defined(__x86_64__) || defined(__i386__)
static void int80s(int n)
{
    while (n--) {
        long result = 64; /* getppid, in the numbers of the i386 ABI */
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    }
}
#endif

static int ends[2];
static void copies(int n) { while (n--) if (write(ends[1], buffer, 32768) + read(ends[0], buffer, 32768) < 0) exit(1); }
static void bytes(int n) { while (n--) if (write(ends[1], buffer, 1) + read(ends[0], buffer, 1) < 0) exit(1); }

static int epfd;
static void waits(int n) { struct epoll_event e; while (n--) epoll_wait(epfd, &e, 1, 0); }

static struct pollfd few[16], many[512];
static void polls_few(int n) { while (n--) poll(few, 16, 0); }
static void polls_many(int n) { while (n--) poll(many, 512, 0); }

static void *nothing(void *arg) { return arg; }
static void threads(int n)
{
    pthread_t thread;
    while (n--) if (!pthread_create(&thread, 0, nothing, 0)) pthread_join(thread, 0);
}

static void faults(int n)
{
    char *pages = mmap(0, n * 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) exit(1);
    madvise(pages, n * 4096L, MADV_NOHUGEPAGE);
    for (int i = 0; i < n; i++) pages[i * 4096L] = 1;
    munmap(pages, n * 4096L);
}

/* Ping-pong of one byte over two pipes; the other side is a thread or a process. */
static int there[2], back[2];
static void *echo(void *arg)
{
    char c;
    while (read(there[0], &c, 1) == 1 && c != 'q') if (write(back[1], &c, 1) < 0) break;
    return arg;
}
static void pingpong(int n)
{
    char c = 'x';
    while (n--) if (write(there[1], &c, 1) + read(back[0], &c, 1) < 0) exit(1);
}
static void quit(void) { if (write(there[1], "q", 1) < 0) exit(1); }

static void pin(cpu_set_t *all, int only)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, all)) { CPU_SET(cpu, &one); break; }
    sched_setaffinity(0, sizeof one, only ? &one : all);
}

static double between_processes(void)
{
    double each = 0;
    pid_t child = fork();
    if (!child) { echo(0); _exit(0); }
    if (child > 0) {
        pingpong(100);
        each = least(pingpong, 2000);
        quit();
        waitpid(child, 0, 0);
    }
    return each;
}

int main(void)
{
    cpu_set_t all;
    alarm(60);
    sched_getaffinity(0, sizeof all, &all);
    pin(&all, 1);
    calls(1000000); /* let the clock of the CPU come up */
    say("call", least(calls, 5000000) - least(loops, 5000000));
    say("vdso", least(clocks, 1000000));
    say("syscall", least(getppids, 500000));
#if defined(__x86_64__) || defined(__i386__)
    fflush(stdout);
    pid_t child = fork(); /* it may be forbidden: that ends only the child */
    if (!child) { say("int80", least(int80s, 20000)); _exit(0); }
    waitpid(child, 0, 0);
#endif
    if (pipe(ends) || pipe(there) || pipe(back)) return 1;
    double one = least(bytes, 100000), large = least(copies, 5000);
    say("kilobyte", (large - one) / 2 / 32.768);
    epfd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    if (write(ends[1], "x", 1) < 0) return 1;
    epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &event);
    say("epoll_wait", least(waits, 200000));
    for (int i = 0; i < 512; i++) { many[i].fd = there[0]; many[i].events = POLLIN; }
    memcpy(few, many, sizeof few);
    say("poll", (least(polls_many, 2000) - least(polls_few, 20000)) / 496);
    say("fault", least(faults, 4096));
    say("clone", least(threads, 2000));
    pthread_t thread;
    if (!pthread_create(&thread, 0, echo, 0)) {
        pingpong(100);
        double each = least(pingpong, 2000);
        quit();
        pthread_join(thread, 0);
        say("thread_switch", (each - 2 * one) / 2);
    }
    say("process_switch", (between_processes() - 2 * one) / 2);
    pin(&all, 0);
    say("pingpong", between_processes());
    return 0;
}
