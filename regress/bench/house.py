#!/usr/bin/env python3
"""What the house costs besides the calls it judges: entering a session, memory, idling.

    house.py ROOT SESSION DAEMON-PID [IDLE-SECONDS]

ROOT is the installed tree, SESSION a session of the caller's, DAEMON-PID agentshd's. Prints
one line a figure, with its must and aim.
"""
import os, statistics, subprocess, sys, time

root, sid, daemon = sys.argv[1], sys.argv[2], int(sys.argv[3])
idle = float(sys.argv[4]) if len(sys.argv) > 4 else 60.0
agentsh = f"{root}/bin/agentsh"


def once(argv):
    a = time.monotonic_ns()
    pid = os.posix_spawn(argv[0], argv, os.environ)
    status = os.waitpid(pid, 0)[1]
    b = time.monotonic_ns()
    if status != 0:
        sys.exit(f"{argv}: status {status}")
    return (b - a) / 1e6


def family(pid):
    pids = [pid]
    for t in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{t}/children") as f:
            for c in f.read().split():
                pids += family(int(c))
    return pids


def ours():
    """The daemon and what it started: not the sessions' workloads, which are not its children."""
    return [p for p in family(daemon)]


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def cpu_ns(pid):
    total = 0
    for t in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{t}/schedstat") as f:
            total += int(f.read().split()[0])
    return total


def name(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


native, inside = [], []
for i in range(220):
    n, s = once(["/bin/true"]), once([agentsh, "exec", sid, "--", "/bin/true"])
    if i >= 20:
        native.append(n)
        inside.append(s)
beyond = statistics.median(inside) - statistics.median(native)
print(f"enter beyond native, p50       {beyond:8.2f} ms   must 3, aim 1.2  (native {statistics.median(native):.2f}, "
      f"inside p50 {statistics.median(inside):.2f}, p99 {sorted(inside)[-3]:.2f})")

pids = ours()
total = 0
for p in pids:
    k = pss(p)
    total += k
    print(f"PSS {name(p):<27}{k / 1024:8.2f} MiB")
print(f"PSS of all, one idle session   {total / 1024:8.2f} MiB  must 20, aim 10")

more = []
for i in range(5):
    r = subprocess.run([agentsh, "session", "create", "--workspace", os.getcwd(), "--json"],
                       capture_output=True, text=True, check=True)
    more.append(r.stdout.split('"id": "')[1].split('"')[0])
time.sleep(1)
grown = sum(pss(p) for p in ours())
print(f"PSS of each further session    {(grown - total) / 1024 / len(more):8.2f} MiB  must 2, aim 0.7")
for s in more:
    subprocess.run([agentsh, "session", "destroy", s], capture_output=True)
time.sleep(2)

pids = ours()
a = {p: cpu_ns(p) for p in pids}
time.sleep(idle)
used = {p: (cpu_ns(p) - a[p]) / 1e6 for p in pids if os.path.exists(f"/proc/{p}")}
print(f"CPU while idle, {idle:.0f} s           {sum(used.values()):8.2f} ms   must 10, aim 1 (for 60 s)  "
      + " ".join(f"{name(p)} {v:.2f}" for p, v in used.items() if v >= 0.01))
