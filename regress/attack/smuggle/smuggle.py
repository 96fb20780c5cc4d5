#!/usr/bin/env python3
# smuggle.py DIR PROXY MEANT...
# smuggle.py DIR -- COMMAND...
#
# Run the corpus of cases.py through the proxy at PROXY
# (ADDR:PORT) with nginx and haproxy behind as referees, and say what differed.  MEANT is
# WHO=ADDR:PORT for each listener whose connections were meant for WHO.  DIR is for the
# referees' files.  The addresses 10.9.0.1 to 10.9.0.4 are on this machine.  In the
# second form COMMAND is client.py in a session that intercepts, whose resolver asks us
# at 10.9.0.4 port 53, and which may have {A} and the origin by name.
#
# Exit 0 if all came as listed and no request reached a host that the judge denies.

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from cases import ANSWERS, CASES, HELLO_BYTES, HELLO_CHANGES, HELLOS, SMUG, SMUGD  # noqa: E402

NGINX = """daemon off; error_log {dir}/nginx.err; pid {dir}/nginx.pid; worker_processes 1;
events {{}}
http {{
  log_format r '$server_addr $server_port $http_host $request_method $request_uri'; access_log {dir}/seen r;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; underscores_in_headers on; ignore_invalid_headers off;
  server {{ listen 10.9.0.1:80; listen 10.9.0.1:81; listen 10.9.0.2:80; return 200 "ok\\n"; }}
}}
"""
HAPROXY = """global
  stats socket {dir}/haproxy.sock
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend f
  bind 10.9.0.3:80
  default_backend b
backend b
  server s 10.9.0.1:81
"""
LONG = 30  # seconds that nothing here takes
failures = 0
via = None
# Not for a session, which knows the address by a name that it may reach.
NOT_VIA = {"i-host-none-10", "t-no-name"}


def bad(what):
    global failures
    failures += 1
    print("FAIL:", what)


# ---- a server that answers what cases.py says, and one that reads hellos ----

def serve(listener, handle):
    def run():
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guard, args=(handle, s), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


def guard(handle, s):
    s.settimeout(LONG)
    try:
        with s:
            handle(s)
    except OSError:
        pass


origin_seen = []


def origin(s):
    got = b""
    while True:
        while b"\r\n\r\n" not in got:
            d = s.recv(65536)
            if not d:
                return
            got += d
        head, got = got.split(b"\r\n\r\n", 1)
        line = head.split(b"\r\n")[0].decode("latin-1")
        origin_seen.append(line)
        out, close = ANSWERS[line.split(" ")[1].split("/")[-1]]
        s.sendall(out.encode("latin-1"))
        if close:
            return


def hello_server(s):
    d = s.recv(65536)
    s.sendall(b"server " + str(len(d)).encode())


# Names for a session's resolver.
NAMES = {"nginx.test": 1, "haproxy.test": 3, "denied.test": 2, "rebind.test": 2, "origin.test": 4}


def dns_server():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.9.0.4", 53))
    while True:
        q, who = s.recvfrom(4096)
        labels, at = [], 12
        while q[at]:
            labels.append(q[at + 1:at + 1 + q[at]].decode("latin-1").lower())
            at += 1 + q[at]
        end = at + 5
        last = NAMES.get(".".join(labels))
        a = last is not None and q[at + 1:at + 3] == b"\0\1"
        head = q[:2] + (b"\x81\x80" if last else b"\x81\x83") + b"\0\1" + bytes([0, a]) + b"\0\0\0\0"
        s.sendto(head + q[12:end] + (b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4" + bytes([10, 9, 0, last]) if a else b""), who)


def listen(addr, port, handle):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(64)
    serve(s, handle)


# ---- the client ----

def talk_via(to, raw):
    via.stdin.write(f"{to} {raw.hex()}\n".encode())
    via.stdin.flush()
    got, how = via.stdout.readline().decode().rstrip("\n").split(" ")
    return bytes.fromhex(got), {"end": False, "broken": True}.get(how, how)


def talk(to, raw):
    if via is not None:
        return talk_via(to, raw)
    s = socket.create_connection(to, timeout=LONG)
    got, broken = b"", False
    try:
        s.sendall(raw)
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    try:
        while True:
            d = s.recv(65536)
            if not d:
                break
            got += d
    except ConnectionResetError:
        broken = True
    except socket.timeout:
        broken = "timeout"
    s.close()
    return got, broken


# The answers as a strict reader takes them: [(status, data)], and what is left.
def answers(got, heads):
    out = []
    while got:
        if b"\r\n\r\n" not in got:
            return out, got
        head, rest = got.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        if not lines[0].startswith("HTTP/1.1 "):
            return out, got
        status = int(lines[0].split(" ")[1])
        fields = [(n.lower(), v.strip()) for n, _, v in (x.partition(":") for x in lines[1:])]
        cl = [v for n, v in fields if n == "content-length"]
        te = [v for n, v in fields if n == "transfer-encoding"]
        data = b""
        if len(out) in heads or status < 200 or status in (204, 304):
            pass
        elif te == ["chunked"] and not cl:
            while True:
                if b"\r\n" not in rest:
                    return out, got
                n, rest = rest.split(b"\r\n", 1)
                n = int(n, 16)
                if len(rest) < n + 2 or rest[n:n + 2] != b"\r\n":
                    return out, got
                data += rest[:n]
                rest = rest[n + 2:]
                if n == 0:
                    break
        elif len(cl) == 1 and not te:
            if len(rest) < int(cl[0]):
                return out, got
            data, rest = rest[:int(cl[0])], rest[int(cl[0]):]
        elif not cl and not te:
            data, rest = rest, b""
        else:
            return out, got
        out.append((status, data.decode("latin-1")))
        got = rest
    return out, b""


def fill(text, host, path):
    for n, v in (("SMUGD", SMUGD), ("SMUG", SMUG)):
        if "{len:" + n + "}" in text:
            text = text.replace("{len:" + n + "}", str(len(fill(v, host, path))))
    for a, b in (("{A}", host), ("{AUP}", host.upper()), ("{D}", "denied.test"), ("{DUP}", "DENIED.TEST"), ("{N}", path)):
        text = text.replace(a, b)
    return text


def agrees(want, got):
    if len(got) > len(want):
        return False
    for i, w in enumerate(want):
        g = got[i] if i < len(got) else None
        if w == 0:
            ok = g is None
        elif isinstance(w, set):
            ok = g in w or (g is None and (0 in w or None in w))
        else:
            ok = g == w
        if not ok:
            return False
    return True


def run_case(c, to, host, tag, expect):
    path = f"/{c['name']}-{tag}"
    got, broken = talk(to, fill(c["raw"], host, path).encode("latin-1"))
    out, rest = answers(got, c["heads"])
    statuses = [s for s, _ in out]
    if broken == "timeout":
        bad(f"{c['name']} {tag}: no end")
    elif c["status"] == ["broken"]:
        if not broken and not rest:
            bad(f"{c['name']} {tag}: a broken answer looked whole: {got[:200]}")
    elif (rest and 0 not in c["status"] and c["data"]) or not agrees(c["status"], statuses):
        bad(f"{c['name']} {tag}: got {statuses} {rest[:80]}, not {c['status']}: {got[:300]}")
    elif c["data"] is not None and [d for _, d in out] != c["data"]:
        bad(f"{c['name']} {tag}: got {out}, not {c['data']}")
    if c["kind"] == "answer" and b"smuggled" in got:
        bad(f"{c['name']} {tag}: smuggled bytes came: {got}")
    expect[path] = (c, [fill(x, host, path) for x in c["seen"]], host)


def run_hellos(where):
    for name, sni, meant, change, want in [(n, s, m, bytes, w) for n, s, m, w in HELLOS] + HELLO_CHANGES:
        if "TLS" + meant not in where or (via and name in NOT_VIA):
            continue
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            ctx.wrap_bio(i, o, server_hostname=sni).do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = change(o.read())
        check_hello(name, where["TLS" + meant], hello, f"server {len(hello)}" if want == "server" else want)
    for name, raw, want in HELLO_BYTES:
        check_hello(name, where["TLSO"], raw, want)


def check_hello(name, to, raw, want):
    got, broken = talk(to, raw)
    said = got.decode("latin-1")
    if got[:1] == b"\x15":
        said = f"alert {got[-1]}"
    elif got[:5] == b"HTTP/":
        said = said[:12]
    elif not got:
        said = "nothing"
    if said != want:
        bad(f"{name}: {said} {broken}, not {want}")


# ---- what the referees saw ----

def judge(seen, expect):
    by_path = {}
    for line in seen:
        addr, port, host, method, uri = line.split(" ", 4)
        if addr == "10.9.0.2" or "denied" in host.lower() or "smuggled" in uri:
            bad(f"a request reached whom it must not: {line}")
            continue
        if uri not in expect:
            bad(f"a request that nobody made: {line}")
            continue
        if host not in (expect[uri][2], expect[uri][2] + ":80"):
            bad(f"another Host arrived: {line}")
        by_path.setdefault(uri, []).append(f"{method} {uri}")
    for path, (c, want, _) in expect.items():
        got = by_path.get(path, [])
        if got != want and not (c["may"] and all(g in want for g in got)):
            bad(f"{path}: the referee saw {got}, not {want}")


def wait_port(addr, port):
    end = time.monotonic() + LONG
    while True:
        try:
            socket.create_connection((addr, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nobody listens on {addr}:{port}")
            time.sleep(0.05)


def start(procs, where, tmp):
    with open(tmp + "/nginx.conf", "w") as f:
        f.write(NGINX.format(dir=tmp))
    with open(tmp + "/haproxy.cfg", "w") as f:
        f.write(HAPROXY.format(dir=tmp))
    procs.append(subprocess.Popen(["nginx", "-p", tmp, "-e", tmp + "/nginx.err", "-c", tmp + "/nginx.conf"]))
    procs.append(subprocess.Popen(["haproxy", "-f", tmp + "/haproxy.cfg"], stderr=open(tmp + "/haproxy.err", "w")))
    listen("10.9.0.4", 80, origin)
    listen("10.9.0.4", 443, hello_server)
    listen("10.9.0.2", 443, hello_server)
    threading.Thread(target=dns_server, daemon=True).start()
    for a in (("10.9.0.1", 80), ("10.9.0.3", 80)) + (() if via_command else (where["proxy"],)):
        wait_port(*a)


def main():
    global via
    tmp = sys.argv[1]
    if via_command:
        where = {"proxy": "proxy", "meantA": "nginx.test:80", "TLSO": "origin.test:443"}
    else:
        where = {"proxy": split(sys.argv[2])}
        for arg in sys.argv[3:]:
            who, to = arg.split("=")
            where[who] = split(to)
    expect, n, procs = {}, 0, []
    try:
        start(procs, where, tmp)
        if via_command:
            via = subprocess.Popen(via_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for c in CASES:
            for tag, host in (("nginx", "nginx.test"), ("haproxy", "haproxy.test")):
                if c["kind"] != "proxy" and tag == "haproxy":
                    continue
                to = where.get("proxy" if c["kind"] in ("proxy", "answer") else c["kind"])
                if to is None or (via and c["name"] in NOT_VIA):
                    continue
                run_case(c, to, host, tag, expect)
                n += 1
        if "TLSO" in where:
            run_hellos(where)
            n += len(HELLOS) + len(HELLO_CHANGES) + len(HELLO_BYTES)
    finally:
        if via is not None:
            via.stdin.close()
            via.wait(LONG)
        for p, sig in reversed(list(zip(procs, (signal.SIGQUIT, signal.SIGUSR1)))):
            p.send_signal(sig)  # end what has begun
            try:
                p.wait(LONG)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
    with open(tmp + "/seen", encoding="latin-1") as f:
        seen = f.read().splitlines()
    judge(seen, expect)
    for line in origin_seen:
        if "smuggled" in line:
            bad(f"the origin saw {line}")
    print(f"{len(CASES) + len(HELLOS) + len(HELLO_CHANGES) + len(HELLO_BYTES)} cases, {n} runs, {len(seen)} requests seen, {failures} failures")
    return failures != 0


def split(text):
    addr, port = text.rsplit(":", 1)
    return addr, int(port)


via_command = sys.argv[3:] if sys.argv[2] == "--" else []
sys.exit(main())
