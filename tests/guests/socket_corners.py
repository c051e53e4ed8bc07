"""Corners of TCP: corked data, urgent data, half-close, RST, refused connections; prints what each call gives."""

import errno, fcntl, os, select, socket, struct, termios, threading, time
def named(call, *args):
    try: return call(*args)
    except OSError as error: return errno.errorcode.get(error.errno, error.args)
def mask(sock):
    p = select.poll(); p.register(sock, 0x2FFF)
    return next((bits for _, bits in p.poll(0)), 0)
def tcp():
    with socket.create_server(("127.0.0.1",0)) as s:
        a=socket.create_connection(s.getsockname()); b=s.accept()[0]
    return a,b
def ioctl(s,n): return named(lambda: struct.unpack("i",fcntl.ioctl(s,n,bytes(4)))[0])
def st(s): return named(lambda: s.getsockopt(6,11,1)[0])
def wait(f,v,t=2):
    e=time.monotonic()+t
    while f()!=v and time.monotonic()<e: time.sleep(.005)
    return f()
NOW=64
IN,OUTQ,ATMARK=0x541B,0x5411,0x8905
print("== cork")
a,b=tcp(); a.setsockopt(6,3,1); a.send(b"abc"); print(named(b.recv,9,NOW), ioctl(a,OUTQ), ioctl(b,IN)); a.send(b"def"); print(named(b.recv,9,NOW)); a.setsockopt(6,3,0); print(named(b.recv,9,NOW), ioctl(a,OUTQ))
a,b=tcp(); a.send(b"abc",0x8000); print(named(b.recv,9,NOW)); a.send(b"def"); print(named(b.recv,9,NOW))
a,b=tcp(); a.setsockopt(6,3,1); a.send(b"abc"); print(b.recv(9))
a,b=tcp(); a.setsockopt(6,3,1); a.send(b"abc"); a.close(); print(named(b.recv,9,NOW), named(b.recv,9,NOW))
a,b=tcp(); a.setsockopt(6,3,1); a.send(b"abc"); a.shutdown(1); print(named(b.recv,9,NOW), named(b.recv,9,NOW))
print("== trunc etc")
a,b=tcp(); a.send(b"0123456789"); print(named(b.recv_into,bytearray(4),4,0x20), named(b.recv,9,NOW))
a.send(b"0123456789"); print(b.recv(4,2|0x100), b.recv(20,2), ioctl(b,IN), named(b.recv,0), b.recv(10))
print(named(b.recv,1,0x2000|NOW), named(b.recv,1,0x2000), named(b.recv,1,1), mask(b))
a.send(b"ab!",1); print(mask(b), ioctl(b,ATMARK), ioctl(b,IN), b.recv(9), ioctl(b,ATMARK), b.recv(1,1), named(b.recv,1,1), mask(b), ioctl(b,ATMARK))
a.send(b"x",1); a.send(b"tail"); print(mask(b), ioctl(b,ATMARK), ioctl(b,IN), b.recv(1,1|2), b.recv(1,1), named(b.recv,9,NOW), mask(b))
a.send(b"12",1); a.send(b"34",1); print(mask(b), ioctl(b,IN), b.recv(9,NOW), named(b.recv,9,NOW),named(b.recv,1,1))
b.setsockopt(1,10,1); a.send(b"in",1); print(mask(b), ioctl(b,ATMARK), named(b.recv,1,1), b.recv(9), named(b.recv,9,NOW), mask(b))
print("== sendto / addr")
print(named(a.sendto,b"q",("127.0.0.1",1)), b.recv(9), b.recvfrom(1,NOW) if 0 else "", named(a.sendto,b"q",0x4000,("127.0.0.1",1)))
print("== states"); a,b=tcp(); print(st(a),st(b)); a.shutdown(1); print(st(a) in (4,5),st(b)); b.shutdown(1); print(wait(lambda:st(a),7) ,st(b), named(a.getpeername), named(b.shutdown,1), named(b.shutdown,0), named(a.shutdown,2))
s=socket.socket(); print(st(s), named(s.accept), named(s.shutdown,2), named(s.recv,1), named(s.send,b""), named(s.send,b"1"), mask(s), named(s.getpeername), ioctl(s,IN),ioctl(s,OUTQ),ioctl(s,ATMARK)); s.bind(("127.0.0.1",0)); s.listen(); print(st(s), named(s.connect,("127.0.0.1",1)), named(s.bind,("127.0.0.1",0)), named(s.listen,3), ioctl(s,IN),ioctl(s,OUTQ),ioctl(s,ATMARK), named(s.recv,1), named(s.send,b"1"), named(s.shutdown,1), st(s), mask(s)); s.shutdown(0); print(st(s), named(s.accept), mask(s), named(s.listen), st(s))

print("== rst"); a,b=tcp(); a.send(b"unread"); b.send(b"reply"); b.close(); print(st(a), mask(a), named(a.recv,9), named(a.recv,9), named(a.recv,9), named(a.send,b"x"), mask(a))
a,b=tcp(); b.setsockopt(1,13,struct.pack("ii",1,0)); b.close(); print(st(a), mask(a), a.getsockopt(1,4), a.getsockopt(1,4), mask(a), named(a.recv,1), named(a.send,b"1"), named(a.getpeername), named(a.shutdown,2), a.getsockname()[1]>0)
a,b=tcp(); b.shutdown(0); a.send(b"late"); print(mask(b), named(b.recv,9), named(b.recv,9)); 
a,b=tcp(); b.shutdown(2); print(named(a.recv,9), named(a.send,b"1"), wait(lambda:mask(a)&8,8), named(a.send,b"2"), named(a.recv,3), st(a))
a,b=tcp(); b.shutdown(2); b.close(); a.send(b"x"); print(wait(lambda:mask(a)&8,8), named(a.recv,9), named(a.send,b"2"))
a,b=tcp(); b.setsockopt(1,13,struct.pack("ii",1,5)); b.close(); print(named(a.recv,9), st(a))
a,b=tcp(); a.send(b"half"); a.shutdown(1); print(b.recv(9), b.recv(9), b.send(b"still"), a.recv(9), st(a), st(b)); b.close(); print(a.recv(9), st(a), mask(a))
print("== refuse"); s=socket.socket(); s.bind(("127.0.0.1",0)); port=s.getsockname()[1]; c=socket.socket(); c.setblocking(False); print(named(c.connect,("127.0.0.1",port)) in ("EINPROGRESS","ECONNREFUSED"), wait(lambda: mask(c)&8,8), mask(c)); print(c.getsockopt(1,4), c.getsockopt(1,4), mask(c), named(c.connect,("127.0.0.1",port)), named(c.connect,("127.0.0.1",port)))
c=socket.socket(); print(named(c.connect,("127.0.0.1",port)), named(c.connect,("127.0.0.1",port)), mask(c), c.getsockopt(1,4), named(c.send,b"x"), named(c.recv,1), c.getsockname()[1]==0)
print(named(c.connect,("255.255.255.255",1)), named(c.connect,("224.0.0.1",1)), named(c.connect,("127.0.0.1",0)), named(c.bind,("8.8.8.8",0)), named(c.bind,("127.0.0.1",port)))
