#!/usr/bin/env python3
# initrd.py MODULES-DIR INIT OUT NAME...: an initial memory disk with the program INIT, the kernel
# modules NAME and what they depend on, and /modules, their names in the order of loading.
import lzma, os, re, sys, zlib

top, init, out, names = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
files = {}
for d, _, fs in os.walk(top):
    for f in fs:
        m = re.match(r"(.*)\.ko(\.xz|\.gz)?$", f)
        if m:
            files[m[1].replace("-", "_")] = os.path.join(d, f)
with open(os.path.join(top, "modules.builtin")) as f:
    builtin = {os.path.basename(l.strip())[:-3].replace("-", "_") for l in f}


def content(path):
    with open(path, "rb") as f:
        b = f.read()
    if path.endswith(".xz"):
        return lzma.decompress(b)
    return zlib.decompress(b, 31) if path.endswith(".gz") else b


order, data = [], {}


def need(name):
    name = name.replace("-", "_")
    if name in data or name in builtin:
        return
    if name not in files:
        sys.exit(f"no module {name} in {top}")
    data[name] = content(files[name])
    for word in re.search(rb"\0depends=([^\0]*)\0", data[name])[1].decode().split(","):
        if word:
            need(word)
    soft = re.search(rb"\0softdep=pre: ([^\0]*)\0", data[name])
    for word in soft[1].decode().split() if soft else []:
        if word.replace("-", "_") in files:
            need(word)
    order.append(name)


for n in names:
    need(n)
with open(init, "rb") as f:
    data_init = f.read()
entries = [("lib", 0o40755, b""), ("host", 0o40755, b""), ("layer", 0o40755, b""), ("new", 0o40755, b""),
           ("proc", 0o40755, b""), ("dev", 0o40755, b""), ("init", 0o100755, data_init),
           ("modules", 0o100644, "".join(f"{n}.ko\n" for n in order).encode())]
entries += [(f"lib/{n}.ko", 0o100644, data[n]) for n in order]
with open(out, "wb") as f:
    def record(ino, name, mode, body):
        name = name.encode() + b"\0"
        head = [ino, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name), 0]
        f.write(b"070701" + b"".join(b"%08x" % v for v in head) + name)
        f.write(b"\0" * (-f.tell() % 4) + body)
        f.write(b"\0" * (-f.tell() % 4))
    for i, (name, mode, body) in enumerate(entries):
        record(i + 1, name, mode, body)
    record(0, "TRAILER!!!", 0, b"")
