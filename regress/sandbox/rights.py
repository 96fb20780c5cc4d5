#!/usr/bin/env python3
"""Compare every process of a running house with the rights table.

    rights.py TABLE BASE AUDIT-DIR SESSION-UID DAEMON-PID

TABLE is what `agentshd -nG -u BASE` prints. Reads /proc; prints a line for each difference; exit 1
when there is one. Every right that a process has must stand in the table, and every
one in the table that is no upper bound must be there.
"""
import collections, os, re, sys

table, base, audit, session_uid, daemon = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
CAPS = ("chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
        "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot "
        "sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease "
        "audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
        "perfmon bpf checkpoint_restore").split()
want = collections.defaultdict(lambda: collections.defaultdict(list))
for line in open(table):
    proc, right, value, because = line.rstrip("\n").split("\t")
    want[proc][right].append(value)
    if not because.strip():
        print(f"{proc} {right}: no reason")
        sys.exit(1)

wrong = 0
checked = collections.Counter()


def bad(who, what):
    global wrong
    wrong += 1
    print(f"{who}: {what}")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def caps(hexmask):
    m = int(hexmask, 16)
    return {CAPS[i] for i in range(len(CAPS)) if m >> i & 1}


def check(pid, proc):
    w, s, who = want[proc], status(pid), f"{proc} ({pid})"
    root_session = proc == "tracer" and session_uid == 0

    # ids: all four, and the groups
    uid = w["uid"][0]
    if uid == "session":
        uid = str(session_uid)
    for field in ("Uid", "Gid"):
        ids = set(s[field].split())
        if proc == "monitor" and field == "Gid":
            continue
        if ids != {uid}:
            bad(who, f"{field} {ids}, want {uid}")
    if w["groups"][0] == "-" and proc != "monitor" and s["Groups"].split():
        bad(who, f"groups {s['Groups']}")

    # every capability set
    right = "capability-root-session" if root_session else "capability"
    may = set(w[right]) - {"-"}
    held = caps(s["CapPrm"])
    machine = caps(status(1)["CapBnd"])
    if not held <= may:
        bad(who, f"permitted {sorted(held - may)} beyond the table")
    if not may & machine <= held | (may - machine):
        bad(who, f"the table gives {sorted(may & machine - held)}, which it does not hold")
    for field in ("CapEff", "CapBnd"):
        if not caps(s[field]) <= may:
            bad(who, f"{field} {sorted(caps(s[field]) - may)} beyond the table")
    if caps(s["CapAmb"]) or (proc != "monitor" and caps(s["CapInh"]) - may):
        bad(who, f"ambient {s['CapAmb']}, inheritable {s['CapInh']}")

    # root, dumpable, no_new_privs, seccomp
    root, kind = os.readlink(f"/proc/{pid}/root"), w["root"][0]
    if kind == "/" and root != "/":
        bad(who, f"root {root}")
    if kind == "audit" and os.stat(f"/proc/{pid}/root").st_ino != os.stat(audit).st_ino:
        bad(who, f"root {root}, want {audit}")
    if kind == "empty" and (root == "/" or os.listdir(f"/proc/{pid}/root")):
        bad(who, f"root {root} is not an empty directory")
    if kind == "empty" and os.stat(f"/proc/{pid}/root").st_mode & 0o222 and os.stat(f"/proc/{pid}/root").st_uid != 0:
        bad(who, "its root can be written")
    # a process that is not dumpable has its /proc files owned by root
    if w["dumpable"][0] == "0" and uid != "0" and os.stat(f"/proc/{pid}/environ").st_uid != 0:
        bad(who, "dumpable")
    if s["NoNewPrivs"] != w["no_new_privs"][0]:
        bad(who, f"NoNewPrivs {s['NoNewPrivs']}, want {w['no_new_privs'][0]}")
    if w["seccomp"][0] != "-" and s["Seccomp"] != "2":
        bad(who, f"Seccomp {s['Seccomp']}")
    for t in os.listdir(f"/proc/{pid}/task"):
        ts = status(f"{pid}/task/{t}")
        for field in ("Uid", "CapPrm", "Seccomp", "NoNewPrivs"):
            if ts[field] != s[field] and proc != "tracer":
                bad(who, f"thread {t}: {field} {ts[field]}, the process has {s[field]}")

    # limits
    names = {"core": "Max core file size", "nproc": "Max processes", "fsize": "Max file size",
             "nofile": "Max open files", "as": "Max address space",
             "nice": "Max nice priority"}
    limits = open(f"/proc/{pid}/limits").read()
    for l in w["limit"]:
        n, _, v = l.partition("=")
        if n == "nice" and not int(status("self")["CapEff"], 16) >> 24 & 1:
            continue  # raising it takes CAP_SYS_RESOURCE
        m = re.search(re.escape(names[n]) + r"\s+(\S+)\s+(\S+)", limits)
        if not m or m.group(1) != v or m.group(2) != v:
            bad(who, f"limit {n} {m and m.groups()}, want {v}")

    # descriptors: each is of a kind that the table names
    fixed = {int(v.split(" ", 1)[0]): v.split(" ", 1)[1] if " " in v else ""
             for v in w["fd"] if not v.startswith("*")}
    kinds = [v[2:] for v in w["fd"] if v.startswith("*")]
    for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if fd in fixed:
            if not link.startswith(fixed[fd]):
                bad(who, f"fd {fd} is {link}, want {fixed[fd]}")
        elif not any(link.startswith(k) for k in kinds):
            bad(who, f"fd {fd} is {link}: not in the table")
    for fd in fixed:
        if not os.path.lexists(f"/proc/{pid}/fd/{fd}"):
            bad(who, f"fd {fd} ({fixed[fd]}) is missing")
    checked[proc] += 1


def children(pid):
    for t in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{t}/children") as f:
            yield from map(int, f.read().split())


check(daemon, "monitor")
for c in children(daemon):
    exe = os.path.basename(os.readlink(f"/proc/{c}/exe"))
    name = exe.replace("agentsh-", "")
    if name not in want:
        bad(exe, "a process without a row in the table")
        continue
    check(c, name)
for name in want:
    if not checked[name]:
        bad(name, "has a row and no process")
print("checked:", dict(checked))
sys.exit(wrong != 0)
