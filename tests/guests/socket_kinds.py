"""Corners of UDP, of binding and listening, of local sockets and of descriptors; prints what each call gives."""

import errno, fcntl, os, select, socket, struct, termios, threading, time, signal
def named(call, *args):
    try: return call(*args)
    except OSError as error: return errno.errorcode.get(error.errno, error.args)
def mask(sock):
    p = select.poll(); p.register(sock, 0x2FFF)
    return next((bits for _, bits in p.poll(0)), 0)
def ioctl(s,n): return named(lambda: struct.unpack("i",fcntl.ioctl(s,n,bytes(4)))[0])
NOW=64; IN,OUTQ=0x541B,0x5411
D=socket.SOCK_DGRAM; U=socket.AF_UNIX; I=socket.AF_INET
print("== udp")
a=socket.socket(I,D); print(mask(a), named(a.recv,1,NOW), named(a.send,b"x"), named(a.getpeername), a.getsockname()[1]>0, named(a.shutdown,2), mask(a), named(a.listen), named(a.accept), ioctl(a,IN), ioctl(a,OUTQ))
a=socket.socket(I,D); b=socket.socket(I,D); b.bind(("127.0.0.1",0)); a.connect(b.getsockname()); print(a.send(b""), ioctl(b,IN), mask(b), b.recvfrom(5)[0], named(b.recv,1,NOW))
a.send(b"12345"); a.send(b"678"); print(ioctl(b,IN), b.recv(2,2), b.recv(2), b.recv(9), ioctl(a,OUTQ), named(a.send,b"x"*65508), named(a.send,b"x"*65507), len(b.recv(70000)))
print(named(a.connect,("127.0.0.1",9)) , a.getpeername()[1], named(a.sendto,b"q",b.getsockname()), b.recv(3), named(a.sendto,b"q",("127.0.0.1",0)), named(a.send,b"q",1))
a.shutdown(1); print(mask(a), named(a.send,b"1")); a.shutdown(0); print(mask(a), a.recv(5), named(a.recv,5,NOW), mask(a))
r=[socket.socket(I,D) for _ in range(3)]
for s in r[:2]: s.setsockopt(1,15,1); s.bind(("127.0.0.1", 0 if s is r[0] else r[0].getsockname()[1]))
print(named(r[2].bind,r[0].getsockname())); r[2].setsockopt(1,15,1); print(named(r[2].bind,r[0].getsockname()), named(r[2].bind,r[0].getsockname()))
c=[socket.socket(I,D) for _ in range(40)]
for s in c: s.sendto(b"x",r[0].getsockname())
n=[0,0,0]
for i,s in enumerate(r):
    while named(s.recv,9,NOW)==b"x": n[i]+=1
print(sum(n), max(n)<sum(n))
x=socket.socket(I,D); y=socket.socket(I,D); x.setsockopt(1,2,1); y.setsockopt(1,2,1); x.bind(("127.0.0.1",0)); print(named(y.bind,x.getsockname())); c[0].sendto(b"last",x.getsockname()); print(named(y.recv,9,NOW), named(x.recv,9,NOW))
print(named(x.bind,("127.0.0.1",0)), named(socket.socket(I,D).bind,("0.0.0.0",x.getsockname()[1])))
z=socket.socket(I,D); z.bind(("",0)); c[0].sendto(b"any",("127.0.0.1",z.getsockname()[1])); print(z.recv(3), z.getsockname()[0]); z.connect(c[0].getsockname()[:1] and ("127.0.0.1",c[0].getsockname()[1])); print(z.getsockname()[0]); c[1].sendto(b"other",("127.0.0.1",z.getsockname()[1])); print(named(z.recv,9,NOW))
print("== tcp bind/listen")
s=socket.socket(); s.bind(("127.0.0.1",0)); p=s.getsockname()[1]
t=socket.socket(); print(named(t.bind,("127.0.0.1",p)), named(t.bind,("0.0.0.0",p)), named(t.bind,("127.0.0.2",p))); 
t=socket.socket(); t.setsockopt(1,2,1); print(named(t.bind,("127.0.0.1",p))); s.setsockopt(1,2,1); print(named(t.bind,("127.0.0.1",p)), named(s.listen), named(t.listen))
l=[socket.socket() for _ in range(3)]
for q in l: q.setsockopt(1,15,1); q.bind(("127.0.0.1",0 if q is l[0] else l[0].getsockname()[1])); q.listen(50); q.setblocking(False)
cs=[socket.create_connection(l[0].getsockname()) for _ in range(60)]
n=[0]*3
for i,q in enumerate(l):
    while not isinstance(named(q.accept),str): n[i]+=1
print(sum(n), max(n)<sum(n))
l[0].close(); d=socket.create_connection(l[1].getsockname()); print(sum(not isinstance(named(q.accept),str) for q in l[1:]))
q=socket.socket(); q.bind(("127.0.0.1",0)); q.listen(0); e=[socket.socket() for _ in range(3)]
for w in e: w.setblocking(False)
print([named(w.connect,q.getsockname()) in (None,"EINPROGRESS") for w in e], [mask(w) for w in e]); q.listen(5); k,_=q.accept(); print(mask(e[0]), named(e[2].connect,q.getsockname()), named(e[2].send,b"1"), named(e[2].recv,1), named(e[2].getpeername), named(e[2].shutdown,2), mask(e[2])); print(named(e[1].connect, q.getsockname()), named(e[1].connect, q.getsockname()))
q6=socket.socket(socket.AF_INET6); q6.bind(("::",0)); p6=q6.getsockname()[1]; q6.listen(); print(named(socket.socket().bind,("0.0.0.0",p6)), named(socket.create_connection,("127.0.0.1",p6)) and q6.accept()[1][0]); v=socket.socket(socket.AF_INET6); v.setsockopt(41,26,1); v.bind(("::",0)); print(named(socket.socket().bind,("0.0.0.0",v.getsockname()[1])))
print("== unix"); P="local-socket"
u=socket.socket(U); print(mask(u), named(u.recv,1), named(u.send,b"1"), named(u.listen), named(u.connect,P), named(u.accept)); u.bind(P); print(named(u.bind,P+"x"), named(socket.socket(U).bind,P), named(socket.socket(U).connect,P), os.path.exists(P)); u.listen(1); v=socket.socket(U); v.connect(P); print(repr(v.getpeername()), repr(v.getsockname()), repr(u.accept()[1]), mask(u)); u.close(); print(named(socket.socket(U).connect,P)); os.unlink(P); print(named(socket.socket(U).connect,P), named(v.recv,5), mask(v))
m,n=socket.socketpair(U,D); print(m.send(b""), mask(n), n.recv(5), m.send(b"abc"), ioctl(n,IN), n.recv(2), named(n.recv,1,NOW)); m.shutdown(1); print(named(m.send,b"x"), mask(m), mask(n), named(n.recv,1,NOW)); n.close(); print(mask(m), named(m.send,b"1"), named(m.recv,1,NOW))
m,n=socket.socketpair(U,D); n.close(); print(mask(m), named(m.send,b"1"), named(m.send,b"1"), named(m.recv,1,NOW), mask(m))
m,n=socket.socketpair(U,D); n.shutdown(0); print(named(m.send,b"q"), mask(n), n.recv(3), named(n.recv,3,NOW))
g=socket.socket(U,D); print(named(g.send,b"1"), named(g.sendto,b"1","\0none"), named(g.getpeername), g.getsockname()); g.bind(""); print(len(g.getsockname()), g.getsockname()[:1])
m,n=socket.socketpair(U); m.send(b"abc"); m.send(b"def"); print(ioctl(n,IN), ioctl(m,OUTQ)>0, n.recv(10,2), n.recv(4), n.recv(9,0x100|NOW), mask(n)); 
print(named(m.sendto,b"x",P), named(m.connect,P), named(m.listen), named(m.getpeername), named(m.accept), named(m.setsockopt,6,1,1))
print("== files"); r,w=os.pipe(); print(ioctl(r,IN), named(os.read,w,1), named(os.write,r,b"1"), named(os.lseek,r,0,0), named(os.ftruncate,w,0), named(fcntl.fcntl,r,1031,1), named(fcntl.fcntl,r,1031,1<<21), fcntl.fcntl(w,1032)); os.write(w,b"12345"); print(ioctl(r,IN), ioctl(w,IN), os.read(r,2), ioctl(r,IN))
e=os.eventfd(3); print(os.eventfd_read(e), ioctl(e,IN), named(os.lseek,e,0,0))
print(named(socket.socket,99), named(socket.socket,I,9), named(socket.socketpair,I), named(os.dup2,99,5), named(os.close,99), named(fcntl.fcntl,r,0,-1), named(fcntl.fcntl,r,0,1<<20), named(fcntl.fcntl,r,999,0), named(fcntl.fcntl, 999, 1))
