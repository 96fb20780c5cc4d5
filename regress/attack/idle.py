"""The crowd of idle.sh: idle.py PID MIRROR WHERE

PID is netproxy's, MIRROR the mirror's namespace, WHERE has a line for each session, "the
proxy's address, its port, the session's address there"; the last session is the one that must
notice nothing.
"""
import ctypes
import os
import re
import resource
import selectors
import signal
import socket
import sys
import threading
import time

pid = int(sys.argv[1])
house = int(open(f"/proc/{pid}/stat").read().rsplit(")")[1].split()[1])
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
mirror = os.open(sys.argv[2], os.O_RDONLY)
lines = [l.split() for l in open(sys.argv[3])]
proxy = (lines[0][0], int(lines[0][1]))
crowd, other = [l[2] for l in lines[:-1]], lines[-1][2]
HOST, PORT, EACH, LONG = "port.test", 8000, 500, 60
MIB = 1 << 20
failures = 0
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))


def check(what, ok, more=""):
    global failures
    print("ok:" if ok else "FAIL:", what, more)
    failures += not ok


# ---- the server, at home ----

class Server(threading.Thread):
    """Answers and keeps the connection; /flood: writes on and on; /sink: reads no more."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sel = selectors.DefaultSelector()
        self.ls = socket.socket()
        self.ls.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.ls.bind(("93.184.216.36", PORT))
        self.ls.listen(4096)
        self.ls.setblocking(False)
        self.sel.register(self.ls, selectors.EVENT_READ)
        self.kept = []
        self.seen = set()

    def run(self):
        while True:
            for key, what in self.sel.select():
                if key.fileobj is self.ls:
                    self.accept()
                else:
                    try:
                        self.serve(key.fileobj, what)
                    except BlockingIOError:
                        pass
                    except OSError:
                        self.sel.unregister(key.fileobj)
                        key.fileobj.close()

    def accept(self):
        try:
            while True:
                s, _ = self.ls.accept()
                s.setblocking(False)
                self.sel.register(s, selectors.EVENT_READ)
        except BlockingIOError:
            pass

    def serve(self, s, what):
        if what & selectors.EVENT_WRITE:
            s.send(b"x" * 65536)
            return
        d = s.recv(65536)
        if not d:
            raise OSError
        self.seen.update(re.findall(rb"(?:GET|POST) (\S+)", d))
        if b"GET /flood" in d:
            s.send(b"HTTP/1.1 200 OK\r\n\r\n")
            self.sel.modify(s, selectors.EVENT_WRITE)
        elif b"POST /sink" in d:
            self.sel.unregister(s)
            self.kept.append(s)
        elif b"GET " in d:
            s.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


# ---- clients, in the mirror ----

def connect(addr, to=proxy, kind=socket.SOCK_STREAM):
    if libc.setns(mirror, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    try:
        s = socket.socket(type=kind)
    finally:
        libc.setns(home, 0)
    s.settimeout(LONG)
    s.bind((addr, 0))
    s.connect(to)
    return s


def request(path, host=HOST, more=""):
    return f"GET http://{host}:{PORT}{path} HTTP/1.1\r\nHost: {host}:{PORT}\r\n{more}\r\n".encode()


def status(s):
    got = b""
    while b"\r\n\r\n" not in got:
        d = s.recv(4096)
        if not d:
            return 0
        got += d
    return int(got.split(b" ")[1])


def ask(s, what):
    s.sendall(what)
    return s


def silent(addr):
    return connect(addr)


def slowloris(addr):
    return ask(connect(addr), request("/never")[:-2])


def served(addr, what):
    end = time.monotonic() + LONG
    while True:
        s = ask(connect(addr), what)
        st = status(s)
        if st == 200:
            return s
        s.close()
        if st != 503 or time.monotonic() > end:  # 503: too many records for now
            raise OSError(st)


def kept_alive(addr):
    return served(addr, request("/kept"))


def tunnel(addr):
    return served(addr, f"CONNECT {HOST}:{PORT} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n\r\n".encode())


def slow_reader(addr):
    s = connect(addr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return ask(s, request("/flood"))


def slow_writer(addr):
    s = ask(connect(addr), b"POST" + request("/sink", more="Content-Length: 1000000000\r\n")[3:])
    s.setblocking(False)
    try:
        while True:
            s.send(b"x" * 65536)
    except BlockingIOError:
        return s


def deaf(addr):
    """Asks on and on and takes no answer."""
    s = connect(addr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.setblocking(False)
    try:
        for _ in range(4000):
            s.send(request("/x", "evil.test") * 64)
    except (BlockingIOError, ConnectionError):
        pass  # answered 503 and closed where the audit trail has no room
    return s


def rss():
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1)) * 1024


def fds():
    return len(os.listdir(f"/proc/{pid}/fd"))


def beside(what, n, meanwhile=lambda: None):
    """The other session asks n times; how long it waited at most."""
    took = []
    for i in range(n):
        meanwhile()
        begin = time.monotonic()
        s = ask(connect(other), request("/other"))
        st = status(s)
        s.close()
        took.append(time.monotonic() - begin)
        if st != 200:
            check(f"another session is served beside {what}", False, st)
            return
    took.sort()
    check(f"another session is served beside {what}", took[-1] < 5,
          "%d times, median %.1f ms, at most %.1f ms" % (n, took[n // 2] * 1e3, took[-1] * 1e3))


def settled(most, seconds=30):
    end = time.monotonic() + seconds
    while fds() > most and time.monotonic() < end:
        time.sleep(0.02)
    return fds() <= most


def idle():
    before = rss()
    held = {k: [] for k in (silent, slowloris, kept_alive, tunnel)}
    for kind, out in held.items():
        for addr in crowd:
            out += [kind(addr) for _ in range(EACH // len(held))]

    def drip():
        for s in held[slowloris][::8]:
            try:
                s.send(b"x: y\r\n")
            except ConnectionError:
                pass  # they have 30 seconds
    beside("%d idle connections" % sum(map(len, held.values())), 100, drip)
    grown = rss() - before
    check("an idle connection costs under 16 KiB", grown < 16384 * EACH * len(crowd),
          "%d bytes each, %d descriptors" % (grown // (EACH * len(crowd)), fds()))
    for kind in (silent, slowloris, kept_alive):
        for s in held[kind]:
            s.close()
    return held[tunnel]


def slow(tunnels):
    before = rss()
    held = [kind(addr) for kind in (slow_reader, slow_writer, deaf) for addr in crowd for _ in range(60)]
    for s in tunnels[::4]:  # to one who answers nothing and reads all
        s.setblocking(False)
        try:
            while True:
                s.send(b"x" * 65536)
        except BlockingIOError:
            pass
    beside("%d slow readers, writers and tunnels" % (len(held) + len(tunnels) // 4), 100)
    grown = rss() - before
    check("they cost under 400 MiB", grown < 400 * MIB, "%d MiB" % (grown / MIB))
    for s in held:
        s.close()
    for s in server.kept:
        s.close()


def query(name):
    return (b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) +
            b"\0\0\1\0\1")


def asked(s, name):
    """The rcode, as a resolver asks: again after a second."""
    s.settimeout(1)
    for _ in range(10):
        s.send(query(name))
        try:
            return s.recv(512)[3] & 15
        except socket.timeout:
            pass


def queries():
    resolver = ("8.8.8.8", 53)
    floods = [connect(addr, resolver, socket.SOCK_DGRAM) for addr in crowd]
    s = connect(other, resolver, socket.SOCK_DGRAM)
    denied = query("evil.test")
    took = []
    rcodes = set()
    for _ in range(50):
        for f in floods:
            for _ in range(50):
                f.send(denied)
        begin = time.monotonic()
        rcodes.add(asked(s, HOST))
        took.append(time.monotonic() - begin)
    check("another session's names resolve beside a flood of queries", rcodes == {0} and max(took) < 5,
          "%s, at most %.1f ms" % (rcodes, max(took) * 1e3))
    beside("a flood of queries", 20, lambda: [f.send(denied) for f in floods for _ in range(50)])


def set_limit(n):
    """As netproxy's user: root itself may lack the capability."""
    with open(f"/proc/{pid}/status") as f:
        text = f.read()
    uid, gid = (int(re.search(r"%s:\s*(\d+)" % k, text).group(1)) for k in ("Uid", "Gid"))
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (n, n))
            os._exit(0)
        except OSError as e:
            print(e)
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise OSError("prlimit")


def scarce():
    limit = 600
    set_limit(limit)
    hogs = [tunnel(crowd[i % len(crowd)]) for i in range(400)]
    beside("sessions that take all descriptors", 100, lambda: hogs.append(tunnel(crowd[0])))
    check("and no more end than must", fds() > limit * 3 // 4, (fds(), limit))


def netproxies():
    """Those of the house, dead ones too."""
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                stat = open(f"/proc/{p}/stat").read()
            except OSError:
                continue
            if "(agentsh-netprox)" in stat and int(stat.rsplit(")")[1].split()[1]) == house:
                yield int(p)


def killed(hogs):
    global pid
    end = time.monotonic() + LONG
    os.kill(pid, signal.SIGKILL)
    while True:
        s = ask(connect(other), request("/evil", "evil.test"))
        try:
            st = status(s)
        except OSError:
            st = 0
        if st == 403:
            break
        if st not in (0, 503) or time.monotonic() > end:
            check("a denied host is refused by the next netproxy", False, st)
            break
    over = 0
    for s in hogs:
        s.settimeout(LONG)
        try:
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
        over += 1
    check("every connection of the killed one has ended", over == len(hogs))
    pid = max(netproxies(), key=lambda p: p != pid)


server = Server()
server.start()
before = fds()
tunnels = idle()
slow(tunnels)
check("what has ended holds nothing", settled(before + 2 * len(tunnels) + 50), (before, len(tunnels), fds()))
queries()
killed(tunnels + [kept_alive(addr) for addr in crowd for _ in range(100)])
beside("nobody", 20)
scarce()
check("nothing denied came through", not server.seen & {b"/evil", b"/x", b"/never"})
print(failures, "failures")
sys.exit(failures != 0)
