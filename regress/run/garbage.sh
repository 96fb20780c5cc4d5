# Whatever strangers send to the two sockets costs them their own connection,
# and the house serves others meanwhile and afterwards.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

cat >"$TESTTMP/garbage.py" <<'X'
import array, fcntl, os, random, socket, struct, sys, time

RUN = "/run/agentsh/"
random.seed(4)


def entry():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(8)
    s.connect(RUN + "entry.sock")
    return s


def control(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(8)
    s.connect(RUN + "control.sock")
    try:
        s.sendall(data)
    except OSError:
        pass
    return s


def closed(s):
    try:
        return s.recv(65536) == b""
    except ConnectionResetError:
        return True


def hello(session, version=int(sys.argv[2]), kind=int(sys.argv[1]), size=88):
    body = struct.pack("<II64s", version, 0, session)
    return struct.pack("<IHBBII", size, kind, 0, 0, 1, 0) + body


# every length around a header and a message, random and nearly right
for n in list(range(1, 40)) + [87, 89, 100, 4096, 20000]:
    s = entry()
    s.send(os.urandom(n))
    assert closed(s), n
for kind in range(0, 64):
    if kind == int(sys.argv[1]):
        continue
    s = entry()
    s.send(hello(b"x", kind=kind))
    assert closed(s), kind
s = entry()
s.send(hello(b"A" * 64))
assert closed(s), "a name without an end"
# descriptors where none belong
s = entry()
s.sendmsg([hello(b"x")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 8))])
assert closed(s), "descriptors"
# another version, another session: an answer, then the end
for m in (hello(b"x", version=9), hello(b"nobody")):
    s = entry()
    s.send(m)
    assert len(s.recv(65536)) > 16
    assert closed(s)
# who asks well and lies about the listener, or says it too early, gets nothing
ASK, LISTENER, VERDICT = (int(n) for n in sys.argv[4:7])


def blob():
    text = b"/bin/true\0A=b\0/bin/true\0"
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, struct.pack("<4I", 0x41534831, 1, 1, len(text)) + text)
    fcntl.fcntl(fd, 1033, 15)  # F_ADD_SEALS
    return fd


def ask(s, cwd=b""):
    fd = blob()
    body = struct.pack("<IIQ", 0, 0, 0) + cwd
    s.sendmsg([struct.pack("<IHBBII", 16 + len(body), ASK, 0, 1, 1, 0) + body],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
    os.close(fd)


def verdict(s):
    while True:
        m = s.recv(65536)
        if len(m) < 16 or struct.unpack_from("<H", m, 4)[0] == VERDICT:
            return m[16:]


def listener(s, n):
    try:
        s.send(struct.pack("<IHBBIIi", 20, LISTENER, 0, 0, 1, 0, n))
    except OSError:
        pass


def ended(s):
    while True:
        try:
            if s.recv(65536) == b"":
                return True
        except ConnectionResetError:
            return True


for n in (0, 1, -1, 1 << 30):
    s = entry()
    s.send(hello(sys.argv[3].encode()))
    ask(s)
    assert struct.unpack_from("<I", verdict(s))[0] == 0, n
    listener(s, n)
    assert ended(s), n
s = entry()
s.send(hello(sys.argv[3].encode()))
listener(s, 0)
assert ended(s), "a listener before the question"
# sent to the workspace, once
s = entry()
s.send(hello(sys.argv[3].encode()))
ask(s, b"/nowhere\0")
v = verdict(s)
assert struct.unpack_from("<5I", v)[4] == 1 and v[20:] == b"\0\0" + sys.argv[7].encode() + b"\0\0", v
ask(s, b"/nowhere\0")
assert ended(s), "elsewhere twice"
# more than the monitor keeps, all silent
quiet = []
for _ in range(400):
    try:
        quiet.append(entry())
    except OSError:
        break
# HTTP: rubbish, half heads, lying lengths, talking while the answer is made
for data in (os.urandom(3000), b"\r\n" * 2000, b"GET " + b"/" * 40000 + b" HTTP/1.1\r\n\r\n",
             b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
             b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
             b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
             b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 5\r\n\r\n[[[[[",
             b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"):
    s = control(data)
    s.settimeout(1)
    try:
        s.recv(65536)
    except OSError:
        pass
    s.close()
body = b'{"workspace":"/no/such/directory"}'
head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: agentsh.test\r\nContent-Length: %d\r\n\r\n" % len(body)
deep = b'{"workspace":' + b"[" * 100000
for more in (b"x" * 100, b"GET /health HTTP/1.1\r\n\r\n" * 50, b"\r\n"):
    s = control(head + body)
    time.sleep(random.random() / 500)
    try:
        s.sendall(more)
    except OSError:
        pass
    s.recv(20)
    s.close()
s = control(b"POST /api/v1/sessions HTTP/1.1\r\nHost: agentsh.test\r\nContent-Length: %d\r\n\r\n" % len(deep) + deep)
assert b" 400 " in s.recv(100)
# leave while the answer is made, and in the middle of a stream
for _ in range(100):
    control(head + body).close()
for _ in range(150):
    s = control(b"GET /api/v1/events HTTP/1.1\r\nHost: agentsh.test\r\n\r\n")
    s.recv(10)
    s.close()
# what was left behind is forgotten soon
for _ in range(100):
    s = control(b"GET /api/v1/sessions HTTP/1.1\r\nHost: agentsh.test\r\n\r\n")
    answer = s.recv(16)
    s.close()
    if b" 200" in answer:
        break
    time.sleep(0.05)
else:
    raise AssertionError(answer)
# too many at once are told so, and the rest is served
many = [control(b"GET /api/v1/events HTTP/1.1\r\nHost: agentsh.test\r\n\r\n") for _ in range(100)]
answers = [s.recv(16) for s in many]
assert any(b" 200" in a for a in answers) and all(b" 200" in a or b" 429" in a or b" 503" in a for a in answers), set(answers)
for s in many:
    s.close()
for s in quiet:
    s.close()
X
number()
{
	"$ROOT/sbin/agentshd" -nM | awk -v t="$1" '$2 == t { print $1 }'
}
version=$(sed -n 's/^#define ENTRY_VERSION //p' "$TOP/common/msg.h")
check "garbage is survived" python3 "$TESTTMP/garbage.py" "$(number ENTRY_HELLO)" "$version" \
    "$sid" "$(number ENTRY_ASK)" "$(number ENTRY_LISTENER)" "$(number ENTRY_VERDICT)" "$W"
works() { [ "$(in_session echo works)" = works ]; }
check "entries work afterwards" wait_until 10 works
check "clients are answered afterwards" wait_until 10 house_answers
check "a stream works afterwards" sh -c "curl -sS -N -m 2 --unix-socket /run/agentsh/control.sock \
    http://agentsh.test/api/v1/events 2>/dev/null | head -n 1 | grep -q 'event: ready'"
