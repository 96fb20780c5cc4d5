#!/usr/bin/env python3
# behave.py PID PROXY: what the proxy does beside judging: bodies of every kind and size
# arrive as they were sent, tunnels close by halves, a host with a dead address is
# reached, a slow or silent peer costs itself only.  PID is the proxy's, for its memory.
# Each check says in its name what must hold.

import hashlib
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time

LONG = 60  # seconds that nothing here takes
failures = 0
pid = int(sys.argv[1])
proxy = (sys.argv[2].rsplit(":", 1)[0], int(sys.argv[2].rsplit(":", 1)[1]))


def bad(what):
    global failures
    failures += 1
    print("FAIL:", what)


def check(what, ok, more=""):
    print("ok:" if ok else "FAIL:", what, "" if ok else more)
    if not ok:
        bad(what)


# ---- servers ----

def listen(addr, port, handle):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(512)

    def one(c):
        c.settimeout(LONG)
        try:
            with c:
                handle(c)
        except (OSError, EOFError):
            pass

    def run():
        while True:
            threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


class Reader:
    def __init__(self, s, got=b""):
        self.s, self.got = s, got

    def more(self):
        d = self.s.recv(1 << 16)
        if not d:
            raise EOFError
        self.got += d

    def until(self, mark):
        while mark not in self.got:
            self.more()
        head, self.got = self.got.split(mark, 1)
        return head

    def exactly(self, n):
        out = []
        while n > 0:
            if not self.got:
                self.more()
            out.append(self.got[:n])
            n -= len(out[-1])
            self.got = self.got[len(out[-1]):]
        return b"".join(out)

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return lines[0], {n.lower(): v.strip() for n, _, v in (x.partition(":") for x in lines[1:])}

    def body(self, f, until_close=False):
        if f.get("transfer-encoding") == "chunked":
            out = []
            while True:
                n = int(self.until(b"\r\n"), 16)
                out.append(self.exactly(n))
                assert self.exactly(2) == b"\r\n"
                if n == 0:
                    return b"".join(out)
        if "content-length" in f:
            return self.exactly(int(f["content-length"]))
        if until_close:
            while True:
                try:
                    self.more()
                except EOFError:
                    return self.got
        return b""


hello_got = []
over = threading.Event()


def origin(s):
    r = Reader(s)
    n = 0
    while True:
        try:
            line, f = r.head()
        except EOFError:
            return
        n += 1
        path = line.split(" ")[1]
        if f.get("expect") == "100-continue" and path == "/refuse":
            s.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            return
        if f.get("expect") == "100-continue":
            s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if path == "/once" and n > 1:
            return  # as a server that closes an idle connection
        if path == "/ws":
            s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
            while True:
                d = r.got or s.recv(65536)
                r.got = b""
                if not d:
                    s.sendall(b"bye")
                    return
                s.sendall(d.upper())
        body = r.body(f)
        if path.startswith("/big/"):
            _, _, size, kind = path.split("/")
            send_big(s, int(size), kind)
            if kind == "close":
                return
        elif path == "/flood":
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            while True:
                s.sendall(b"x" * 65536)
        elif path == "/count":
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d" % (len(str(n)), n))
        else:
            out = hashlib.sha256(body).hexdigest().encode()
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + out)


def pattern(n):
    unit = hashlib.sha256(str(n).encode()).digest() * 2048
    return (unit * (n // len(unit) + 1))[:n]


def send_big(s, n, kind):
    data = pattern(n)
    if kind == "length":
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n + data)
    elif kind == "close":
        s.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + data)
    else:
        out, at, step = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], 0, 1
        while at < n:
            part = data[at:at + step]
            out.append(b"%x;e=%d\r\n" % (len(part), at) + part + b"\r\n")
            at += len(part)
            step = step * 3 % 50021 + 1
        s.sendall(b"".join(out) + b"0\r\nT: x\r\n\r\n")


def echo(s):
    total = hashlib.sha256()
    while True:
        d = s.recv(1 << 16)
        if not d:
            break
        total.update(d)
    s.sendall(total.hexdigest().encode())


def hello(s):
    r = Reader(s)
    head = r.exactly(5)
    hello_got.append(head + r.exactly(head[3] << 8 | head[4]))
    s.sendall(b"server")


# ---- clients ----

def connect():
    return socket.create_connection(proxy, timeout=LONG)


def ask(s, r, path, method="GET", fields="", body=b"", version="1.1"):
    s.sendall(f"{method} http://origin.test{path} HTTP/{version}\r\nHost: origin.test\r\n{fields}\r\n".encode() + body)
    line, f = r.head()
    return int(line.split(" ")[1]), f


def rss_kib():
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))


def fds():
    return len(os.listdir(f"/proc/{pid}/fd"))


def bodies():
    s = connect()
    r = Reader(s)
    for n in (0, 1, 5, 4095, 4096, 65535, 65536, 65537, 262144, 3000001):
        data = pattern(n)
        want = hashlib.sha256(data).hexdigest().encode()
        st, f = ask(s, r, "/up", "POST", f"Content-Length: {n}\r\n", data)
        check(f"{n} bytes with a length go up", st == 200 and r.body(f) == want)
        wire, at, step = [], 0, 1
        while at < n:
            wire.append(b"%x;x\r\n" % len(data[at:at + step]) + data[at:at + step] + b"\r\n")
            at += step
            step = step * 7 % 70001 + 1
        st, f = ask(s, r, "/up", "POST", "Transfer-Encoding: chunked\r\n", b"".join(wire) + b"0\r\nT: y\r\n\r\n")
        check(f"{n} bytes in chunks go up", st == 200 and r.body(f) == want)
        for kind in ("length", "chunked", "close"):
            st, f = ask(s, r, f"/big/{n}/{kind}")
            got = r.body(f)
            check(f"{n} bytes come down ({kind})", st == 200 and got == data)
    s.close()
    for kind in ("length", "chunked", "close"):
        s = connect()
        r = Reader(s)
        st, f = ask(s, r, f"/big/100000/{kind}", version="1.0")
        check(f"an HTTP/1.0 client is not given chunks ({kind})", "transfer-encoding" not in f and
              r.body(f, until_close=True) == pattern(100000))


def expectations():
    s = connect()
    r = Reader(s)
    st, _ = ask(s, r, "/up", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
    check("a client that waits for 100 gets the server's", st == 100)
    s.sendall(b"hello")
    line, f = r.head()
    check("and sends its body then", " 200 " in line and r.body(f) == hashlib.sha256(b"hello").hexdigest().encode())
    st, f = ask(s, r, "/refuse", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
    check("a final answer instead of 100 closes", st == 413 and f.get("connection") == "close" and s.recv(9) == b"")


def reuse():
    s = connect()
    r = Reader(s)
    counts = [r.body(ask(s, r, "/count")[1]) for _ in range(3)]
    check("one connection serves requests of one host", counts == [b"1", b"2", b"3"], counts)
    st, f = ask(s, r, "/once")
    check("a request that met a closing server is sent again", st == 200 and len(r.body(f)) == 64)
    st, f = ask(s, r, "/once", "POST", "Content-Length: 1\r\n", b"x")
    check("but none that may not be", st == 502)


def upgrade():
    s = connect()
    r = Reader(s)
    st, f = ask(s, r, "/ws", fields="Connection: Upgrade\r\nUpgrade: websocket\r\n", body=b"early")
    check("websocket is switched to", st == 101 and f.get("upgrade") == "websocket")
    check("and what came with the heads arrives", sorted([r.exactly(5), r.exactly(5)]) == [b"EARLY", b"first"])
    s.sendall(b"x" * 100000)
    check("and more of it", r.exactly(100000) == b"X" * 100000)
    s.shutdown(socket.SHUT_WR)
    check("a half-close goes through", r.exactly(3) == b"bye" and s.recv(1) == b"")


def tunnel_to(host, port):
    s = connect()
    s.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    r = Reader(s)
    line, f = r.head()
    return s, r, int(line.split(" ")[1])


def tunnels():
    s, r, st = tunnel_to("origin.test", 7)
    data = pattern(20000000)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    check("a tunnel carries 20 MB and a half-close", st == 200 and
          r.exactly(64) == hashlib.sha256(data).hexdigest().encode() and s.recv(1) == b"")
    s, r, st = tunnel_to("dual.test", 7)
    s.sendall(b"x")
    s.shutdown(socket.SHUT_WR)
    check("a host whose first address is silent is reached by the next", st == 200 and len(r.exactly(64)) == 64)
    s, r, st = tunnel_to("closed.test", 9)
    check("a port where nobody listens is 502", st == 502)
    s, r, st = tunnel_to("nobody.test", 80)
    check("a name without an address is 502", st == 502)


def client_hello(name):
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ctx.wrap_bio(i, o, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return o.read()


def redirects():
    for host, sni, want in (("moved.test", b"moved.test", "as it was"), ("renamed.test", b"new-name.test", "with the new name")):
        s, r, st = tunnel_to(host, 443)
        h = client_hello(host)
        s.sendall(h[:7])
        s.sendall(h[7:])
        got = r.exactly(6) if st == 200 else b""
        check(f"a redirected hello arrives {want}", got == b"server" and sni in hello_got[-1] and
              (hello_got[-1] == h) == (sni == host.encode()), (st, got))
    s, r, st = tunnel_to("renamed.test", 443)
    n = len(hello_got)
    s.sendall(b"GET / HTTP/1.1\r\n\r\n")
    check("what is no hello goes nowhere where one is to be changed", s.recv(1) == b"\x15" and len(hello_got) == n)
    check("a redirect to a denied target is denied", tunnel_to("astray.test", 443)[2] == 403)
    check("a denied host is denied whatever its redirect", tunnel_to("denied.test", 443)[2] == 403)


def settled(least):
    end = time.monotonic() + LONG
    while fds() > least and time.monotonic() < end:
        time.sleep(0.05)
    return fds() <= least


def slow():
    before, mem = fds(), rss_kib()
    readers = []
    for _ in range(50):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(b"GET http://origin.test/flood HTTP/1.1\r\nHost: origin.test\r\n\r\n")
        readers.append(s)
    lorises = [connect() for _ in range(400)]
    for s in lorises:
        s.sendall(b"GET http://origin.test/ HT")
    for i in range(20):
        for s in lorises:
            s.sendall(b"x")
        s = connect()
        st, f = ask(s, Reader(s), "/up")
        if st != 200:
            bad(f"a client is harmed: {st}")
        s.close()
    writers = []
    for _ in range(50):
        s, r, st = tunnel_to("origin.test", 8)
        s.setblocking(False)
        try:
            while True:
                s.send(b"x" * 65536)
        except BlockingIOError:
            pass
        writers.append(s)
    grown = rss_kib() - mem
    check("50 who do not read, 400 who do not finish and 50 who write to nobody cost under 60 MB", grown < 60000, grown)
    over.set()
    for s in readers + lorises + writers:
        s.close()
    check("and nothing once they are gone", settled(before), (fds(), before))


def session_end():
    before = fds()
    idle, head, flood = connect(), connect(), connect()
    r = Reader(idle)
    check("before the end", r.body(ask(idle, r, "/count")[1]) == b"1")
    head.sendall(b"GET http://origin.test/ HT")
    flood.sendall(b"GET http://origin.test/flood HTTP/1.1\r\nHost: origin.test\r\n\r\n")
    flood.recv(1)
    dialling = connect()
    dialling.sendall(b"CONNECT dead.test:7 HTTP/1.1\r\nHost: dead.test:7\r\n\r\n")
    tunnel = tunnel_to("origin.test", 8)[0]
    os.kill(pid, signal.SIGUSR1)
    for s in (idle, head, dialling, tunnel, flood):
        try:
            while s.recv(65536):
                pass
        except ConnectionResetError:
            pass
    check("the end of a session ends its connections of every state", settled(before))
    s = connect()
    check("and nothing else", ask(s, Reader(s), "/up")[0] == 200)


def silent(s):
    over.wait(LONG)


def main():
    listen("10.9.0.4", 80, origin)
    listen("10.9.0.4", 7, echo)
    listen("10.9.0.4", 8, silent)
    listen("10.9.0.4", 443, hello)
    end = time.monotonic() + LONG
    while True:
        try:
            connect().close()
            break
        except OSError:
            if time.monotonic() > end:
                sys.exit("no proxy")
            time.sleep(0.05)
    for part in (bodies, expectations, reuse, upgrade, tunnels, redirects, session_end, slow):
        try:
            part()
        except (OSError, EOFError, AssertionError) as e:
            bad(f"{part.__name__}: {e!r}")
    print(failures, "failures")
    sys.exit(failures != 0)


main()
