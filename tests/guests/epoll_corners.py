"""Nested epoll, duplicates, fairness, who is woken, one-shot items, signalfd in it; prints what each call gives."""

import errno, os, select, signal, socket, threading, time, ioviz
def named(call, *args):
    try: return call(*args)
    except OSError as error: return errno.errorcode.get(error.errno, error.args)
IN,OUT,ET,ONE,EXC=1,4,1<<31,1<<30,1<<28
def ep(): return select.epoll()
print("== nested")
a=[ep() for _ in range(8)]
print([named(a[i].register,a[i+1].fileno(),IN) for i in range(7)])
b=[ep() for _ in range(8)]
print([named(b[i].register,b[i+1].fileno(),IN) for i in range(6,-1,-1)])
x,y=ep(),ep(); x.register(y,IN); print(named(y.register,x,IN), named(x.register,x,IN), named(x.register,y,IN), named(x.modify,y,IN|EXC), named(x.register,0 if 0 else y.fileno(),IN|EXC))
r,w=os.pipe(); y.register(r,IN); print(x.poll(0), ); os.write(w,b"1"); print(len(x.poll(0)), len(y.poll(0)), len(x.poll(0))); os.read(r,1); print(x.poll(0)); 
p=select.poll(); p.register(x,IN|OUT); print(p.poll(0)); os.write(w,b"1"); print(p.poll(0)==[(x.fileno(),IN)], select.select([x],[x],[x],0)==([x],[],[]))
sf=ioviz.signalfd([10]); signal.pthread_sigmask(0,[10]); y.register(sf,IN|ET); os.kill(os.getpid(),10); print(sorted(m for _,m in y.poll(0))); print(len(y.poll(0))); os.kill(os.getpid(),10); print(len(y.poll(0))); os.read(sf,128)
print("== dup"); d=os.dup(r); y.register(d,IN); print(len(y.poll(0))); os.close(r); print(len(y.poll(0)), named(y.unregister,r), named(y.modify,r,IN)); os.close(d); print(len(y.poll(0)))
print("== fairness"); ps=[os.pipe() for _ in range(5)]; e=ep()
for i,(rr,ww) in enumerate(ps): e.register(rr,IN); os.write(ww,b"x")
idx={rr:i for i,(rr,_) in enumerate(ps)}
print([[idx[f] for f,_ in e.poll(0,2)] for _ in range(6)]); os.read(ps[1][0],1); print([[idx[f] for f,_ in e.poll(0,2)] for _ in range(4)])
print("== waiters"); s1,s2=socket.socketpair(); e=ep(); e.register(s1,IN|ET); order=[]; ready=[]
def waiter(n):
    e.poll(3); order.append(n)
ts=[]
for n in range(3):
    t=threading.Thread(target=waiter,args=(n,)); t.start(); ts.append(t); time.sleep(.05)
for _ in range(3): s2.send(b"x"); time.sleep(.05); 
for t in ts: t.join()
print(order)
print("== oneshot"); e=ep(); e.register(s1,IN|ONE); print(len(e.poll(0)), len(e.poll(0))); e.modify(s1,IN|ONE); print(len(e.poll(0)), named(e.register,s1,IN)); e.modify(s1,0); s2.close(); print(e.poll(0)==[(s1.fileno(),16)] , e.poll(0)==[(s1.fileno(),16)])
print(named(e.register,s1.fileno(),IN), named(e.unregister,99), named(e.modify,ps[0][0],IN), named(ioviz.epoll_pwait,e.fileno(),-1,0), named(os.read,e.fileno(),1), named(os.write,e.fileno(),b"1"), named(e.register,os.open("/dev/null",0),IN), named(e.register,os.open("/tmp",0),IN))
