"""Servers for the network tests: netserve.py DIR

With NET_ZONE in the environment, a file of names and addresses, these are known as well.
A resolver on 198.51.100.53 port 53, UDP and TCP, that knows ZONE; DIR/upstream.log has what
it was asked.  A TCP server on ports 80, 443, 8080 of every address that says which address and
port was reached, to HTTP and to anything else; an echo on port 9000, UDP and TCP; a resolver
that nobody may reach on 8.8.8.8, whose every answer is 203.0.113.7.
"""
import os
import socket
import socketserver
import struct
import sys
import threading

DIR = sys.argv[1]
A, CNAME, PTR, TXT, AAAA = 1, 5, 12, 16, 28
ZONE = {
    ("good.test", A): (300, ["93.184.216.34"]),
    ("good.test", AAAA): (300, ["2001:db8::34"]),
    ("www.good.test", CNAME): (300, "good.test"),
    ("evil.test", A): (300, ["93.184.216.35"]),
    ("port.test", A): (300, ["93.184.216.36"]),
    ("short.test", A): (1, ["93.184.216.37"]),
    ("shared.good.test", A): (300, ["93.184.216.36"]),
    ("rebind.test", A): (300, ["10.1.2.3"]),
    ("rebind.good.test", A): (300, ["10.1.2.3"]),
    ("local.good.test", A): (300, ["127.0.0.1"]),
    ("big.good.test", A): (300, ["93.184.216.34"] + ["203.0.113.%d" % i for i in range(8, 200)]),
    ("34.216.184.93.in-addr.arpa", PTR): (300, "good.test"),
}


if "NET_ZONE" in os.environ:
    for line in open(os.environ["NET_ZONE"]):
        n, addr = line.split()
        ZONE.setdefault((n, AAAA if ":" in addr else A), (300, []))[1].append(addr)


def name_of(msg, at):
    labels = []
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode("latin-1").lower())
        at += 1 + msg[at]
    return ".".join(labels), at + 1


def wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"


def rr(name, typ, ttl, data):
    return wire(name) + struct.pack(">HHIH", typ, 1, ttl, len(data)) + data


def find(name, typ):
    out = []
    for _ in range(8):
        if (name, CNAME) in ZONE and typ != CNAME:
            ttl, to = ZONE[(name, CNAME)]
            out.append(rr(name, CNAME, ttl, wire(to)))
            name = to
            continue
        if (name, typ) in ZONE:
            ttl, v = ZONE[(name, typ)]
            if typ in (CNAME, PTR):
                out.append(rr(name, typ, ttl, wire(v)))
            else:
                f = socket.AF_INET if typ == A else socket.AF_INET6
                out += [rr(name, typ, ttl, socket.inet_pton(f, a)) for a in v]
        return out, name
    return out, name


def answer(msg, log, udp):
    name, at = name_of(msg, 12)
    typ, = struct.unpack(">H", msg[at:at + 2])
    if log:
        with open(DIR + "/upstream.log", "a") as f:
            f.write("%d %s\n" % (typ, name))
        out, last = find(name, typ)
        known = any(n == last for n, _ in ZONE)
    else:
        out, known = [rr(name, A, 300, socket.inet_aton("203.0.113.7"))] if typ == A else [], True
    body = b"".join(out)
    flags = 0x8180 | (0 if known else 3)
    if udp and len(body) > 400:
        flags, out, body = flags | 0x200, [], b""
    return msg[:2] + struct.pack(">HHHHH", flags, 1, len(out), 0, 0) + msg[12:at + 4] + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        try:
            sock.sendto(answer(data, self.server.log, True), self.client_address)
        except Exception as e:
            sys.stderr.write("netserve: %r\n" % e)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.rfile.read(2)
        if len(head) == 2:
            a = answer(self.rfile.read(struct.unpack(">H", head)[0]), self.server.log, False)
            self.wfile.write(struct.pack(">H", len(a)) + a)


class Say(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(10)
        try:
            data = self.request.recv(65536)
        except OSError:
            return
        if b" /never " in data:
            self.request.settimeout(None)
            self.request.recv(1)
            return
        text = "reached %s %d\n" % self.request.getsockname()[:2]
        if data[:4] in (b"GET ", b"HEAD", b"POST"):
            host = [l for l in data.decode("latin-1").split("\r\n") if l.lower().startswith("host:")]
            text += (host[0] if host else "no host") + "\n"
            text = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(text), text)
        self.request.sendall(text.encode())


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while d := self.request.recv(2048):
            self.request.sendall(d)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class Server6(Server):
    address_family = socket.AF_INET6


class Datagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True


def start(s, log=True):
    s.log = log
    threading.Thread(target=s.serve_forever, daemon=True).start()


start(Datagrams(("198.51.100.53", 53), Udp))
start(Server(("198.51.100.53", 53), Tcp))
if "NET_ZONE" not in os.environ:
    start(Datagrams(("8.8.8.8", 53), Udp), False)
    start(Server(("8.8.8.8", 53), Tcp), False)
for port in (80, 443, 8080):
    start(Server(("0.0.0.0", port), Say))
    if "NET_ZONE" not in os.environ:
        start(Server6(("2001:db8::34", port), Say))
start(Server(("0.0.0.0", 9000), Echo))
open(DIR + "/netserve.ready", "w").close()
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("0.0.0.0", 9000))
while True:
    d, a = echo.recvfrom(2048)
    echo.sendto(d, a)
