#!/usr/bin/env python3
# client.py: what smuggle.py talks through from inside a session.  Lines of standard
# input are "TO HEX": send these bytes to TO, "proxy" (whatever HTTP_PROXY says) or
# HOST:PORT; each is answered with "HEX HOW", what came and how it ended.

import os
import socket
import sys

for line in sys.stdin:
    to, raw = line.rstrip("\n").split(" ")
    if to == "proxy":
        to = os.environ["HTTP_PROXY"].split("//")[1].rstrip("/")
    host, port = to.rsplit(":", 1)
    got, how = b"", "end"
    try:
        s = socket.create_connection((host, int(port)), timeout=60)
        try:
            s.sendall(bytes.fromhex(raw))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        while True:
            d = s.recv(65536)
            if not d:
                break
            got += d
        s.close()
    except socket.timeout:
        how = "timeout"
    except OSError:
        how = "broken"
    print(got.hex(), how, flush=True)
