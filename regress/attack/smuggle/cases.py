# The corpus: what a client sends and what must come of it.  {A} is a host that the
# judge allows (each case runs once with nginx and once with haproxy behind it), {D} one
# that it denies, {N} the case's path.
#
#   status  of the answers in order; a set where two outcomes are right; 0 is a close
#           without an answer
#   seen    the requests that may reach {A}, all of them must unless may is set
#
# "smuggled" in a path marks a request that must reach nobody.

CASES = []


def case(name, raw, status, seen=(), may=False, heads=(), data=None):
    CASES.append(dict(name=name, raw=raw, status=list(status), seen=list(seen), may=may,
                      heads=set(heads), data=data, kind="proxy"))


H = "Host: {A}\r\n"
GET = "GET http://{A}{N} HTTP/1.1\r\n" + H
POST = "POST http://{A}{N} HTTP/1.1\r\n" + H
SMUG = "GET http://{A}/smuggled HTTP/1.1\r\n" + H + "\r\n"
SMUGD = "GET http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n"
SEEN = ["GET {N}"]
PSEEN = ["POST {N}"]

# ---- what must work, lest refusing everything pass ----
case("get", GET + "\r\n", [200], SEEN)
case("get-twice", (GET + "\r\n") * 2, [200, 200], SEEN * 2)
case("post", POST + "Content-Length: 5\r\n\r\nhello", [200], PSEEN)
case("post-chunked", POST + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [200], PSEEN)
case("post-then-get", POST + "Content-Length: 5\r\n\r\nhello" + GET + "\r\n", [200, 200], PSEEN + SEEN)
case("head", "HEAD http://{A}{N} HTTP/1.1\r\n" + H + "\r\n" + GET + "\r\n", [200, 200],
     ["HEAD {N}"] + SEEN, heads=[0])
case("http10", "GET http://{A}{N} HTTP/1.0\r\n\r\n", [200], SEEN)
case("host-port-80", "GET http://{A}:80{N} HTTP/1.1\r\n" + H + "\r\n", [200], SEEN)
case("host-case-and-dot", "GET HTTP://{AUP}.{N} HTTP/1.1\r\n" + H + "\r\n", [200], SEEN)
case("tunnel", "CONNECT {A}:80 HTTP/1.1\r\nHost: {A}:80\r\n\r\nGET {N} HTTP/1.1\r\n" + H + "Connection: close\r\n\r\n",
     [200, 200], SEEN, heads=[0])
case("denied", "GET http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [403])
case("denied-connect", "CONNECT {D}:80 HTTP/1.1\r\nHost: {D}:80\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [403])
case("denied-rebound", "GET http://rebind.test/smuggled HTTP/1.1\r\nHost: rebind.test\r\n\r\n", [403])
case("denied-port", "GET http://{A}:81/smuggled HTTP/1.1\r\nHost: {A}:81\r\n\r\n", [403])

# ---- CL.TE, TE.CL ----
case("clte", POST + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", [400])
case("clte-denied", POST + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGD, [400])
case("tecl", POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + SMUG + "0\r\n\r\n", [400])
case("tecl-zero", POST + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" + SMUGD, [400])
case("clte-http10", "POST http://{A}{N} HTTP/1.0\r\n" + H + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400])
case("te-http10", "POST http://{A}{N} HTTP/1.0\r\n" + H + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUG, [400])

# ---- TE.TE: one that some reader overlooks ----
for i, te in enumerate([
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx", "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'",
        "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked\r\n\t", "X: x\nTransfer-Encoding: chunked",
        "X: x\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked\0", "\0Transfer-Encoding: chunked",
        " Transfer-Encoding: chunked", "Transfer_Encoding: chunked", "Transfer-Encoding\xa0: chunked",
        "Transfer-Encoding;: chunked", "Transfer-Encoding: ,chunked", "Transfer-Encoding:",
        "\"Transfer-Encoding\": chunked", "Transfer-Encoding: gzip, chunked"]):
    case(f"tete-{i}", POST + te + "\r\n\r\n0\r\n\r\n" + SMUGD, [400])
    case(f"tete-cl-{i}", POST + "Content-Length: 5\r\n" + te + "\r\n\r\n0\r\n\r\n" + SMUGD, [400])

# ---- lengths ----
for i, cl in enumerate([
        "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 50",
        "Content-Length: 5, 5", "Content-Length: 5,50", "Content-Length: +5", "Content-Length: -1",
        "Content-Length: 0x5", "Content-Length: 05", "Content-Length: 5 ,", "Content-Length: 5;",
        "Content-Length: 5.0", "Content-Length: \x0b5", "Content-Length:", "Content-Length : 5",
        "Content-Length\t: 5", "Content-Length: 5\r\n 0", "Content-Length:\r\n 5", "Content_Length: 5",
        "Content-Length: 18446744073709551621", "X: x\nContent-Length: 5", "Content-Length: 5\0"]):
    case(f"length-{i}", POST + cl + "\r\n\r\nhello" + SMUGD, [400])
# a body that looks like a request is a body
case("length-get", GET + "Content-Length: {len:SMUGD}\r\n\r\n" + SMUGD, [200], SEEN)
case("length-then-denied", POST + "Content-Length: 0\r\n\r\n" + SMUGD, [200, 403], PSEEN)
case("length-connection", POST + "Connection: Content-Length\r\nContent-Length: {len:SMUG}\r\n\r\n" + SMUG, [400])
case("te-connection", POST + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUG, [400])

# ---- chunks ----
C = POST + "Transfer-Encoding: chunked\r\n\r\n"
for i, b in enumerate([
        "5;a=b\r\nhello\r\n0\r\n\r\n", "5;a=\"b\r\n", "0;x\r\n\r\n",
        "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "5\r\nhello\r\n0\r\nHost: {D}\r\nContent-Length: 5\r\n\r\n"]):
    if i == 1:
        b += "hello\r\n0\r\n\r\n"
    case(f"chunk-fine-{i}", C + b + GET + "\r\n", [200, 200], PSEEN + SEEN)
for i, b in enumerate([
        "5;\nxhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n", "5;\0\r\nhello\r\n0\r\n\r\n",
        "5;" + "e" * 2000 + "\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\nhello",
        "0000000000000000000005\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5,5\r\nhello\r\n0\r\n\r\n",
        "0\r\nGET http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n fold: y\r\n\r\n",
        "0\r\nX: y\n\r\n", "0\n\r\n", "0\r\n\n"]):
    case(f"chunk-bad-{i}", C + b + SMUGD, [{400, 0}], PSEEN, may=True)

# ---- lines ----
case("lf-all", ("GET http://{A}{N} HTTP/1.1\r\n" + H + "\r\n").replace("\r", ""), [400])
case("lf-last", GET[:-2] + "\n\r\n", [400])
case("lf-then-denied", GET + "X: y\n\nGET http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [400])
case("cr-alone", GET + "X: y\rHost: {D}\r\n\r\n", [400])
case("cr-cr-lf", GET + "X: y\r\r\n\r\n", [400])
case("nul", GET + "X: \0\r\n\r\n", [400])
case("fold", GET + "X: y\r\n z\r\n\r\n", [400])
case("fold-first", "GET http://{A}{N} HTTP/1.1\r\n " + H + "\r\n", [400])
case("crlf-before", "\r\n" + GET + "\r\n", [400])
case("crlf-between", GET + "\r\n\r\n" + SMUGD, [200, 400], SEEN)
case("blank-before-colon", GET + "X : y\r\n\r\n", [400])
case("no-colon", GET + "smuggled\r\n\r\n", [400])
case("no-name", GET + ": y\r\n\r\n", [400])
case("control", GET + "X: \x1b[2J\r\n\r\n", [400])
case("blanks-in-line", "GET  http://{A}{N} HTTP/1.1\r\n" + H + "\r\n", [400])
case("tab-in-line", "GET\thttp://{A}{N}\tHTTP/1.1\r\n" + H + "\r\n", [400])
case("two-targets", "GET http://{A}{N} http://{D}/smuggled HTTP/1.1\r\n" + H + "\r\n", [400])
case("http09", "GET http://{A}{N}\r\n\r\n", [400])
case("http2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505])
case("http12", "GET http://{A}{N} HTTP/1.2\r\n" + H + "\r\n", [505])
case("http1.01", "GET http://{A}{N} HTTP/1.01\r\n" + H + "\r\n", [400])
case("version-small", "GET http://{A}{N} http/1.1\r\n" + H + "\r\n", [400])
case("head-too-long", GET + "X: " + "y" * 70000 + "\r\n\r\n", [431])
case("fields-too-many", GET + "X: y\r\n" * 300 + "\r\n", [431])
case("half-a-head", GET, [0])

# ---- the target against Host ----
case("host-other", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [400])
case("host-other-way", "GET http://{D}/smuggled HTTP/1.1\r\n" + H + "\r\n", [400])
case("host-two", GET + "Host: {D}\r\n\r\n", [400])
case("host-two-same", GET + H + "\r\n", [400])
case("host-none", "GET http://{A}/smuggled HTTP/1.1\r\n\r\n", [400])
case("host-empty", "GET http://{A}/smuggled HTTP/1.1\r\nHost:\r\n\r\n", [400])
case("host-list", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {A}, {D}\r\n\r\n", [400])
case("host-path", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {A}/\r\n\r\n", [400])
case("host-user", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {A}@{D}\r\n\r\n", [400])
case("host-port", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {A}:81\r\n\r\n", [400])
case("host-folded", "GET http://{A}/smuggled HTTP/1.1\r\nHost:\r\n {D}\r\n\r\n", [400])
case("host-nominated", GET + "Connection: Host\r\n\r\n", [400])
case("origin-form", "GET /smuggled HTTP/1.1\r\n" + H + "\r\n", [400])
case("origin-form-denied", "GET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [400])
case("asterisk", "OPTIONS * HTTP/1.1\r\n" + H + "\r\n", [400])
case("double-slash", "GET //{D}/smuggled HTTP/1.1\r\n" + H + "\r\n", [400])
for i, t in enumerate([
        "http://{A}@{D}/smuggled", "http://{A}:80@{D}/smuggled", "http://{D}@{A}/smuggled", "http://{D}#@{A}/smuggled",
        "http://{D}\\@{A}/smuggled", "http://{A}\\.{D}/smuggled", "http://{A}%00.{D}/smuggled", "http://{A}%2f.{D}/smuggled",
        "http://%64enied.test/smuggled", "http:/{D}/smuggled", "http:{D}/smuggled", "http:///{D}/smuggled",
        "https://{D}/smuggled", "ftp://{D}/smuggled", "http://{D}:/smuggled", "http://{D}:080/smuggled",
        "http://{D}:65616/smuggled", "http://{D}:+80/smuggled", "http://[{D}]/smuggled", "http://{A},{D}/smuggled",
        "http://{A} @{D}/smuggled", "http://0x0a090002/smuggled", "http://168361986/smuggled", "http://10.9.2/smuggled",
        "http://012.011.0.2/smuggled", "http://10.9.0.2./smuggled", "http://10.9.0.02/smuggled",
        "http://0x0a.9.0.2/smuggled", "http://[fe80::1%25lo]/smuggled", "http://[::10.9.0.2%lo]/smuggled",
        "http://d\xc3\xa9nied.test/smuggled", "http://{D}../smuggled", "http://.{D}/smuggled"]):
    case(f"target-odd-{i}", f"GET {t} HTTP/1.1\r\n" + H + "\r\n", [400])
for i, t in enumerate(["{D}.", "{DUP}", "{D}:80", "10.9.0.2", "[::ffff:10.9.0.2]", "[::ffff:a09:2]", "localhost"]):
    case(f"target-denied-{i}", f"GET http://{t}/smuggled HTTP/1.1\r\nHost: {t}\r\n\r\n", [403])

# ---- CONNECT ----
for i, t in enumerate([
        "{D}", "http://{D}:80", "http://{D}:80/", "{D}:80/", "{D}:0", "{D}:080", "{D}:+80", "{D}:80:80", "{A}@{D}:80",
        "{D}:http", "//{D}:80", "168361986:80", "0x0a090002:80", "10.9.2:80", "[{D}]:80", "{D}:80#", "*", "/"]):
    case(f"connect-odd-{i}", f"CONNECT {t} HTTP/1.1\r\nHost: {t}\r\n\r\n" + SMUGD, [400])
case("connect-host-other", "CONNECT {A}:80 HTTP/1.1\r\nHost: {D}:80\r\n\r\n" + SMUGD, [400])
case("connect-host-other-way", "CONNECT {D}:80 HTTP/1.1\r\nHost: {A}:80\r\n\r\n" + SMUGD, [400])
case("connect-small", "connect {A}:80 HTTP/1.1\r\nHost: {A}:80\r\n\r\n" + SMUG, [400])
case("connect-body", "CONNECT {A}:80 HTTP/1.1\r\nHost: {A}:80\r\nContent-Length: 5\r\n\r\nhello" + SMUG, [400])
case("connect-chunked", "CONNECT {A}:80 HTTP/1.1\r\nHost: {A}:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUG, [400])
case("connect-lf", "CONNECT {A}:80 HTTP/1.1\nHost: {A}:80\n\n" + SMUG, [400])
case("connect-denied-then-get", "CONNECT {D}:80 HTTP/1.1\r\nHost: {D}:80\r\n\r\n" + SMUG, [403])
case("connect-mapped", "CONNECT [::ffff:10.9.0.2]:80 HTTP/1.1\r\nHost: [::ffff:10.9.0.2]:80\r\n\r\n" + SMUGD, [403])
case("connect-rebound", "CONNECT rebind.test:80 HTTP/1.1\r\nHost: rebind.test:80\r\n\r\n" + SMUGD, [403])
case("connect-after-get", GET + "\r\nCONNECT {D}:80 HTTP/1.1\r\nHost: {D}:80\r\n\r\n" + SMUGD, [200, 403], SEEN)

# ---- pipelines ----
D = "GET http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n"
G = GET + "\r\n"
case("mix-ada", G + D + G, [200, 403, 200], SEEN * 2)
case("mix-dda", D + D + G, [403, 403, 200], SEEN)
case("mix-many", (G + D) * 20, [200, 403] * 20, SEEN * 20)
case("mix-post-denied", "POST http://{D}/smuggled HTTP/1.1\r\nHost: {D}\r\nContent-Length: 5\r\n\r\nhello" + SMUG, [403])
case("mix-bad-stops", G + "BAD\r\n\r\n" + SMUG, [200, 400], SEEN)
case("mix-close-stops", GET + "Connection: close\r\n\r\n" + SMUG, [200], SEEN)
case("mix-http10-stops", "GET http://{A}{N} HTTP/1.0\r\n\r\n" + SMUG, [200], SEEN)
case("mix-expect", POST + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + D, [{100, 200}, {200, 403}, {403, None}], PSEEN)
case("mix-expect-odd", POST + "Expect: 100-continue, x\r\nContent-Length: 5\r\n\r\nhello" + SMUG, [417])
case("mix-h2c", GET + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" + D,
     [200, 403], SEEN)
case("mix-websocket-refused", GET + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + D, [200, 403], SEEN)
case("mix-trace-body", "TRACE http://{A}/smuggled HTTP/1.1\r\n" + H + "Content-Length: 5\r\n\r\nhello", [400])
case("mix-forwarded", GET + "X-Forwarded-Host: a.b\r\nX-Original-URL: /x\r\nX-HTTP-Method-Override: PUT\r\n\r\n", [200], SEEN)
case("mix-proxy-fields", GET + "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\nKeep-Alive: 5\r\n\r\n" + G,
     [200, 200], SEEN * 2)

# ---- intercepted: meant for {A}'s address ----


def meant(name, raw, status, seen=(), to="A"):
    CASES.append(dict(name=name, raw=raw, status=list(status), seen=list(seen), may=False, heads=set(), data=None,
                      kind="meant" + to))


O = "GET {N} HTTP/1.1\r\n" + H
meant("i-get", O + "\r\n", [200], SEEN)
meant("i-absolute", GET + "\r\n", [200], SEEN)
meant("i-denied", "GET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [403])
meant("i-pipeline", O + "\r\nGET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n" + O + "\r\n", [200, 403, 200], SEEN * 2)
meant("i-absolute-other", "GET http://{D}/smuggled HTTP/1.1\r\n" + H + "\r\n", [400])
meant("i-absolute-other-way", "GET http://{A}/smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [400])
meant("i-connect", "CONNECT {A}:80 HTTP/1.1\r\nHost: {A}:80\r\n\r\n" + SMUG, [400])
meant("i-crlf-first", "\r\nGET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [0])
meant("i-blank-first", " GET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [0])
meant("i-other-port", "GET /smuggled HTTP/1.1\r\nHost: {A}:81\r\n\r\n", [400])
meant("i-host-none", "GET /smuggled HTTP/1.1\r\n\r\n", [400])
meant("i-host-none-10", "GET /smuggled HTTP/1.0\r\n\r\n", [403])
meant("i-host-two", "GET /smuggled HTTP/1.1\r\n" + H + "Host: {D}\r\n\r\n", [400])
meant("i-host-address", "GET /smuggled HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", [403])
meant("i-lf", "GET /smuggled HTTP/1.1\nHost: {D}\n\n", [400])
meant("i-clte", "POST /smuggled HTTP/1.1\r\n" + H + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUG, [400])
# a name that is not that address's: what is dialled is the name's
meant("i-elsewhere", O + "\r\n", [200], SEEN, to="D")
meant("i-elsewhere-denied", "GET /smuggled HTTP/1.1\r\nHost: {D}\r\n\r\n", [403], to="D")

# ---- servers that answer two ways: (bytes, does it close) and what the client gets ----
OK = "HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "plain": (OK + "Content-Length: 5\r\n\r\nplain", False),
    "clte": (OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    "clcl": (OK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nsmuggl", False),
    "clcl-same": (OK + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nsmugg", False),
    "te-odd": (OK + "Transfer-Encoding: x\r\n\r\nsmuggled", True),
    "te-10": ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
    "lf": (OK.replace("\r", "") + "Content-Length: 2\n\nok", True),
    "fold": (OK + "X: y\r\n z\r\nContent-Length: 2\r\n\r\nok", True),
    "blank-colon": (OK + "Content-Length : 2\r\n\r\nok", True),
    "nul": (OK + "X: \0\r\nContent-Length: 2\r\n\r\nok", True),
    "http09": ("smuggled", True),
    "http2": ("HTTP/2 200\r\n\r\n", True),
    "empty": ("", True),
    "half-head": (OK + "Content-Le", True),
    "two": (OK + "Content-Length: 2\r\n\r\nok" + OK + "Content-Length: 8\r\n\r\nsmuggled", False),
    "extra": (OK + "Content-Length: 2\r\n\r\noksmuggled", False),
    "switch": ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsmuggled", False),
    "continue": ("HTTP/1.1 100 Continue\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nok", False),
    "early-hints": ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nok", False),
    "interim-flood": ("HTTP/1.1 103 Early Hints\r\n\r\n" * 40, False),
    "cut": (OK + "Content-Length: 9\r\n\r\nok", True),
    "cut-chunk": (OK + "Transfer-Encoding: chunked\r\n\r\n9\r\nok", True),
    "chunk-lf": (OK + "Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n", True),
    "chunked": (OK + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nT: x\r\n\r\n", False),
    "until-close": (OK + "\r\nok", True),
    "no-content": ("HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nsmuggled", False),
    "not-modified": ("HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\n", False),
    "head-body": (OK + "Content-Length: 8\r\n\r\nsmuggled", False),
}


def answer(name, status, data, method="GET", fields=""):
    raw = (f"{method} http://origin.test/r/{name} HTTP/1.1\r\nHost: origin.test\r\n{fields}\r\n"
           "GET http://origin.test/r/plain HTTP/1.1\r\nHost: origin.test\r\n\r\n")
    CASES.append(dict(name="answer-" + name, raw=raw, status=list(status), seen=[], may=False,
                      heads={0} if method == "HEAD" else set(), data=data, kind="answer"))


answer("plain", [200, 200], ["plain", "plain"])
for n in ("clte", "clcl", "clcl-same", "te-odd", "te-10", "lf", "fold", "blank-colon", "nul", "http09", "http2",
          "empty", "half-head", "switch"):
    answer(n, [502], None)
answer("two", [200, 200], ["ok", "plain"])
answer("extra", [200, 200], ["ok", "plain"])
answer("continue", [100, 200, 200], ["", "ok", "plain"])
answer("early-hints", [103, 200, 200], ["", "ok", "plain"])
answer("interim-flood", [103] * 16 + [502], None)
answer("cut", ["broken"], None)
answer("cut-chunk", ["broken"], None)
answer("chunk-lf", ["broken"], None)
answer("chunked", [200, 200], ["ok", "plain"])
answer("until-close", [200, 200], ["ok", "plain"])
answer("no-content", [204, 200], ["", "plain"])
answer("not-modified", [304, 200], ["", "plain"])
answer("head-body", [200, 200], ["", "plain"], method="HEAD")

# ---- hellos: the name, what the client gets ----
HELLOS = [  # name, sni, meant, bytes after which it is cut, expected
    ("t-allowed", "origin.test", "O", "server"),
    ("t-denied", "denied.test", "O", "alert 49"),
    ("t-elsewhere", "origin.test", "D", "server"),
    ("t-no-name", None, "O", "alert 49"),
    ("t-rebound", "rebind.test", "D", "alert 49"),
    ("t-unknown", "unknown.test", "O", "alert 49"),
]


# What becomes of a hello between the client and the wire: one that servers understand is read
# and passed on as it is; one that two could read differently is refused.
def records(n, more=b""):
    """In records of n bytes."""
    def change(hello):
        body = hello[5:] + more
        return b"".join(b"\x16\x03\x01" + len(body[i:i + n]).to_bytes(2, "big") + body[i:i + n]
                        for i in range(0, len(body), n))
    return change


def extended(*exts, first=False):
    """With these extensions (type, data) after its own, or before."""
    def change(hello):
        body = hello[9:]
        at = 34 + 1 + body[34]
        at += 2 + int.from_bytes(body[at:at + 2], "big")
        at += 1 + body[at]
        own = body[at + 2:]
        new = b"".join(t.to_bytes(2, "big") + len(d).to_bytes(2, "big") + d for t, d in exts)
        own = new + own if first else own + new
        body = body[:at] + len(own).to_bytes(2, "big") + own
        msg = b"\x01" + len(body).to_bytes(3, "big") + body
        return b"\x16\x03\x01" + len(msg).to_bytes(2, "big") + msg
    return change


def sni(*names):
    one = b"".join(b"\0" + len(n).to_bytes(2, "big") + n for n in names)
    return 0, len(one).to_bytes(2, "big") + one


def renamed(to):
    """Bytes of the name exchanged for as many others."""
    return lambda hello: hello.replace(b"origin.test", to)


GREASE = [(0x0a0a, b""), (0xfafa, b"\0")]
ECH = [(0xfe0d, b"\0" * 40)]
HELLO_CHANGES = [  # name, sni, meant, change, what comes of it
    ("t-fragments", "origin.test", "O", records(16), "server"),
    ("t-fragments-denied", "denied.test", "O", records(16), "alert 49"),
    ("t-fragments-cut-name", "denied.test", "O", records(130), "alert 49"),
    ("t-fragments-too-many", "origin.test", "O", records(1), "alert 50"),
    ("t-more-in-record", "origin.test", "O", records(16000, b"\x0b\0\0\0"), "alert 50"),
    ("t-grease", "origin.test", "O", extended(*GREASE), "server"),
    ("t-grease-denied", "denied.test", "O", extended(*GREASE, first=True), "alert 49"),
    ("t-ech", "origin.test", "O", extended(*ECH), "server"),
    ("t-ech-denied", "denied.test", "O", extended(*ECH), "alert 49"),
    ("t-name-only-added", None, "O", extended(sni(b"origin.test")), "server"),
    ("t-name-denied-added", None, "O", extended(sni(b"denied.test")), "alert 49"),
    ("t-two-extensions", "origin.test", "O", extended(sni(b"denied.test")), "alert 50"),
    ("t-two-extensions-before", "origin.test", "O", extended(sni(b"denied.test"), first=True), "alert 50"),
    ("t-two-names", None, "O", extended(sni(b"origin.test", b"denied.test")), "alert 50"),
    ("t-no-names", None, "O", extended((0, b"\0\0")), "alert 50"),
    ("t-other-type", None, "O", extended((0, b"\0\x0e\x01\0\x0borigin.test")), "alert 50"),
    ("t-capitals", "origin.test", "O", renamed(b"ORIGIN.tEsT"), "server"),
    ("t-capitals-denied", None, "O", extended(sni(b"DENIED.TEST")), "alert 49"),
    ("t-dot", None, "O", extended(sni(b"origin.test.")), "server"),
    ("t-dot-denied", None, "O", extended(sni(b"denied.test.")), "alert 49"),
    ("t-nul", None, "O", extended(sni(b"origin.test\0.denied.test")), "alert 50"),
    ("t-address", None, "O", extended(sni(b"10.9.0.4")), "alert 50"),
    ("t-number", None, "O", extended(sni(b"0x0a090004")), "alert 50"),
    ("t-port", None, "O", extended(sni(b"origin.test:443")), "alert 50"),
    ("t-blank", "origin.test", "O", renamed(b"origin test"), "alert 50"),
    ("t-cut", "origin.test", "O", lambda hello: hello[:-1], "nothing"),
]
HELLO_BYTES = [
    ("t-http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505"),
    ("t-http-smuggled", b"GET /smuggled HTTP/1.1\r\nHost: denied.test\r\n\r\n", "HTTP/1.1 403"),
    ("t-http-then-hello", b"\r\n\x16\x03\x01\0\x04", "nothing"),
    ("t-sslv2", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", "nothing"),
    ("t-garbage", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "alert 50"),
    ("t-empty-record", b"\x16\x03\x01\x00\x00", "alert 50"),
    ("t-server-first", b"", "nothing"),
]
