"""flock(2): who gets a lock, who waits, what changing and closing do; prints what each call gives."""

import errno, fcntl, os, signal, threading, time
SH, EX, NB, UN = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_NB, fcntl.LOCK_UN
def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
lock = fcntl.flock
a, b, c = (open("file", "w") for _ in range(3))
print(named(lock, a, SH | NB), named(lock, b, SH | NB), named(lock, c, EX | NB), named(lock, a, EX | NB), named(lock, b, EX | NB), named(lock, c, SH | NB))
print(named(lock, a, SH | NB), named(lock, b, UN), named(lock, b, UN), named(lock, a, EX), named(lock, a, EX), named(lock, c, SH | NB), named(lock, a, SH | EX), named(lock, a, 0), named(lock, 99, EX), named(lock, 99, 0), named(lock, a, NB))
d = os.dup(a.fileno()); print(named(lock, d, EX | NB)); a.close(); print(named(lock, b, EX | NB)); os.close(d); print(named(lock, b, EX | NB))
got = []
def taker(name, file, how):
    lock(file, how); got.append(name)
threads = [threading.Thread(target=taker, args=("c", c, EX)), threading.Thread(target=taker, args=("d", open("file"), SH))]
threads[0].start(); time.sleep(.05); print(got); lock(b, UN); threads[0].join(); print(got, named(lock, b, SH | NB)); threads[1].start(); time.sleep(.05); print(got); c.close(); threads[1].join(); print(got, named(lock, b, SH | NB), named(lock, b, EX | NB))
r, w = os.pipe(); print(named(lock, r, EX | NB), named(lock, w, EX | NB))
def handler(*_): raise KeyError
signal.signal(signal.SIGALRM, handler); signal.setitimer(signal.ITIMER_REAL, .05)
try: lock(w, EX)
except KeyError: print("interrupted")
