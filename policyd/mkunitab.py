#!/usr/bin/env python3
# Writes the three tables of policyd/unitab.c to standard output, from the
# Unicode data that Python carries.  Run by hand when they are to be newer:
#   python3 policyd/mkunitab.py
import sys
import unicodedata

CATS = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So "
        "Zs Zl Zp Cc Cf Co").split()


def spans(points):
    """Ascending points as (first, count, stride), stride 1 or 2."""
    out = []
    i = 0
    while i < len(points):
        stride = 1
        if i + 1 < len(points) and points[i + 1] - points[i] == 2:
            stride = 2
        n = 1
        while i + n < len(points) and n < 65535 and \
                points[i + n] - points[i + n - 1] == stride:
            n += 1
        out.append((points[i], n, stride))
        i += n
    return out


def rows(cells):
    line = "\t"
    for c in cells:
        if len(line.expandtabs(8)) + len(c) > 79:
            print(line.rstrip())
            line = "\t"
        line += c + " "
    print(line.rstrip())


def orbits():
    near = {}
    for c in range(sys.maxunicode + 1):
        s = chr(c)
        for o in (s.lower(), s.upper(), s.title()):
            if len(o) == 1 and o != s and c not in (0x130, 0x131):
                near.setdefault(c, set()).add(ord(o))
                near.setdefault(ord(o), set()).add(c)
    step = {}
    for c in near:
        seen, todo = set(), [c]
        while todo:
            x = todo.pop()
            if x not in seen:
                seen.add(x)
                todo += near[x]
        ring = sorted(seen)
        for i, x in enumerate(ring):
            step[x] = ring[(i + 1) % len(ring)] - x
    return step


by_cat = {c: [] for c in CATS}
for cp in range(sys.maxunicode + 1):
    cat = unicodedata.category(chr(cp))
    if cat in by_cat:
        by_cat[cat].append(cp)
print("/* clang-format off */\nstatic const struct span span_tab[] = {")
first, index = 0, []
for c in CATS:
    v = spans(by_cat[c])
    index.append((c, first, len(v)))
    first += len(v)
    print("\t/* %s */" % c)
    rows(["{0x%x,%d,%d}," % s for s in v])
print("};\n\nstatic const struct category category_tab[] = {")
rows(['{ "%s", %d, %d },' % c for c in index])
print("};\n\nstatic const struct fold_span fold_tab[] = {")
step = orbits()
by_delta = {}
for cp, d in step.items():
    by_delta.setdefault(d, []).append(cp)
cells = []
for d, v in by_delta.items():
    cells += [(lo, n, st, d) for lo, n, st in spans(sorted(v))]
rows(["{0x%x,%d,%d,%d}," % c for c in sorted(cells)])
print("};\n/* clang-format on */")
