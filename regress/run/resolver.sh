#!/bin/sh
# Where every address is local, the sessions' resolver answers whatever address is asked,
# from that address, by UDP and TCP, IPv4 and IPv6; believes its own resolvers only where
# the answer fits the question, also those that are known on one link only; and keeps ten
# thousand questions waiting without harm.

set -u
if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: needs root" >&2
	exit 77
fi
if [ -z "${RESOLVER_INSIDE-}" ]; then
	unshare -n true 2>/dev/null || {
		echo "skipped: no network namespaces" >&2
		exit 77
	}
	RESOLVER_INSIDE=1 exec unshare -n -- sh "$0" "$@"
fi
ip link set lo up && ip route add local 0.0.0.0/0 dev lo || exit 1
v6=1
ip -6 route add local ::/0 dev lo 2>/dev/null || v6=0

# A resolver that is known on its link alone: the unit tests ask one where there is one.
if [ $v6 = 1 ]; then
	ip addr add fe80::53/64 dev lo nodad || exit 1
	"$BUILD/regress/unit/test_dns_up" >"$TESTTMP/up" 2>&1 || {
		cat "$TESTTMP/up"
		exit 1
	}
	grep -q 'OK.*resolver_link_local_asked' "$TESTTMP/up" || {
		echo "BAD: no link-local resolver was asked"
		exit 1
	}
	echo "ok: a link-local resolver is asked by its interface"
fi

exec python3 - "$BUILD/regress/bench/bench_dns" "$TOP/regress/bench/dns.yaml" $v6 <<'PY'
import os, select, signal, socket, struct, subprocess, sys, time

server_path, policy, v6 = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
PATIENCE = 60  # a slow machine's; no test waits for it to end
failures = 0


def check(what, ok):
    global failures
    print(("ok: " if ok else "BAD: ") + what, flush=True)
    failures += not ok


def name(text):
    return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\0"


def query(ident, text, qtype=1):
    return struct.pack(">6H", ident, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(">2H", qtype, 1)


def question(packet):
    at = 12
    while packet[at]:
        at += packet[at] + 1
    return packet[12:at + 5]


def answer(packet, address=b"\xc0\0\2\1", ident=None, count=1):
    q = question(packet)
    ident = packet[:2] if ident is None else ident
    rr = struct.pack(">HHHIH", 0xc00c, 1, 1, 300, 4) + address
    return ident + struct.pack(">5H", 0x8180, 1, count, 0, 0) + q + rr * count


def big(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return s


def udp(family, addr, port=0):
    s = big(socket.socket(family, socket.SOCK_DGRAM))
    s.bind((addr, port))
    s.settimeout(PATIENCE)
    return s


resolver = udp(socket.AF_INET, "127.0.0.1")
port = resolver.getsockname()[1]
server = subprocess.Popen([server_path, "53", str(port), policy, str(PATIENCE * 1000)])


def serve_one(make=answer):
    packet, peer = resolver.recvfrom(4096)
    resolver.sendto(make(packet), peer)
    return packet


def rcode(packet):
    return packet[3] & 15


# Until it serves: a denied name needs no resolver.
until = time.time() + PATIENCE
probe = udp(socket.AF_INET, "127.0.0.1")
probe.settimeout(0.1)
while True:
    try:
        probe.sendto(query(1, "x.evil.com"), ("127.0.0.1", 53))
        if rcode(probe.recv(512)) == 3:
            break
    except OSError:
        if time.time() > until:
            sys.exit("it does not serve")

# From the address that was asked, fresh and from the cache.
asked = [(socket.AF_INET, "127.0.0.2", "8.8.8.8"), (socket.AF_INET, "127.0.0.3", "192.0.2.53")]
if v6:
    asked += [(socket.AF_INET6, "::1", "2001:4860:4860::8888"), (socket.AF_INET6, "::1", "2001:db8::53")]
for i, (family, source, to) in enumerate(asked):
    c = udp(family, source)
    for turn in ("fresh", "cached"):
        c.sendto(query(i, "n%d.from.test" % i), (to, 53))
        if turn == "fresh":
            serve_one()
        packet, peer = c.recvfrom(4096)
        check("%s answers from itself, %s" % (to, turn),
              peer[0] == to and peer[1] == 53 and packet[:2] == struct.pack(">H", i)
              and packet.endswith(b"\xc0\0\2\1"))
    c.connect((to, 53))
    c.send(query(7, "n%d.from.test" % i))
    check("%s answers a connected socket" % to, c.recv(4096)[:2] == b"\0\7")
    t = socket.create_connection((to, 53), PATIENCE)
    for k in range(3):
        m = query(k, "n%d.from.test" % i)
        t.sendall(struct.pack(">H", len(m)) + m)
    got = b""
    while len(got) < 3 * (2 + len(packet)):
        got += t.recv(65536)
    check("%s answers a connection, three at once" % to, got.count(b"\xc0\0\2\1") == 3)
    t.close()

# Answers to something else.
def wrong(packet):
    flip = bytes([packet[0] ^ 1]) + packet[1:2]
    return answer(packet, b"\xc0\0\2\x42", ident=flip)


def other_name(packet):
    p = bytearray(answer(packet, b"\xc0\0\2\x42"))
    p[13] ^= 3
    return bytes(p)


c = udp(socket.AF_INET, "127.0.0.2")
for what, make in (("another id", wrong), ("another name", other_name),
                   ("rubbish", lambda p: p[:2] + os.urandom(40)),
                   ("nothing", lambda p: p[:12]), ("its own question", lambda p: p)):
    c.sendto(query(9, what.replace(" ", "-") + ".wrong.test"), ("8.8.8.8", 53))
    packet, peer = resolver.recvfrom(4096)
    resolver.sendto(make(packet), peer)
    resolver.sendto(answer(packet), peer)
    got = c.recv(4096)
    check("an answer to %s is not believed" % what, got.endswith(b"\xc0\0\2\1"))

# Ten thousand wait; the resolver answers the last first.
def pages():
    with open("/proc/%d/statm" % server.pid) as f:
        return int(f.read().split()[1])


clients = [udp(socket.AF_INET, "127.0.0.%d" % n) for n in (4, 5, 6)]
before = pages()
waiting = []
sent = 0
for n in range(10002):
    clients[n % 3].sendto(query(n & 0xffff, "h%d.f%d.test" % (n, n // 200)), ("8.8.8.8", 53))
    sent += 1
    if sent % 100 == 0 or sent == 10002:
        while len(waiting) < sent:
            waiting.append(resolver.recvfrom(4096))
check("ten thousand questions are asked", len({question(p) for p, _ in waiting}) == 10002)
held = (pages() - before) * os.sysconf("SC_PAGESIZE")
check("they hold less than 48 MiB (%d KiB)" % (held >> 10), held < 48 << 20)
c.sendto(query(5, "n0.from.test"), ("8.8.8.8", 53))
check("others are answered meanwhile", c.recv(4096).endswith(b"\xc0\0\2\1"))
got = 0
for i, (packet, peer) in enumerate(reversed(waiting)):
    resolver.sendto(answer(packet), peer)
    if i % 100 == 99 or i == len(waiting) - 1:
        while got <= i:
            for s in select.select(clients, [], [], PATIENCE)[0]:
                got += rcode(s.recv(4096)) == 0
check("all are answered (%d)" % got, got == 10002)
check("it runs on", server.poll() is None)

server.send_signal(signal.SIGTERM)
check("it ends as it should", server.wait(PATIENCE) == 0)
sys.exit(failures != 0)
PY
