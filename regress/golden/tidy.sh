# clang-tidy, with the checks of .clang-tidy, has nothing to say of any source file.
# limit: 900
# Compiled as clang's build does it, else as gcc's: then clang does not know each flag.
command -v clang-tidy >/dev/null || { echo "no clang-tidy"; exit 77; }
db=$BUILD-clang
[ -f "$db/compile_commands.json" ] || db=$BUILD
[ -f "$db/compile_commands.json" ] || { echo "no compile_commands.json"; exit 1; }
out=${TESTTMP:-$(mktemp -d)}
find common tracer policyd auditd supervisor netproxy -name '*.c' >"$out/files"
[ "$(wc -l <"$out/files")" -gt 100 ] || { echo "only $(wc -l <"$out/files") files"; exit 1; }
xargs -P 2 -n 1 clang-tidy --quiet --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-unused-command-line-argument -p "$db" <"$out/files" 2>"$out/err"
rc=$?
grep -v 'warnings generated\|^Suppressed\|^Use -header-filter' "$out/err"
exit $rc
