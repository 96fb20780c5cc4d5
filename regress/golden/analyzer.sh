# gcc -fanalyzer, with the flags of the build, has nothing to say of any source file.
# limit: 900
[ -f "$BUILD/compile_commands.json" ] || { echo "no compile_commands.json"; exit 1; }
command -v jq >/dev/null || { echo "no jq"; exit 77; }
# Left out: mismatching-deallocation takes reallocarray for a function that only frees, and
# malloc-leak follows neither that nor an array of pointers; LeakSanitizer looks at the unit tests.
out=${TESTTMP:-$(mktemp -d)}
jq -r '.[] | select(.output | test("^(common|tracer|policyd|auditd|supervisor|netproxy)/")) |
    "cd \(.directory | @sh) && \(.command | sub(" -MD .*? -o [^ ]+ "; " -o /dev/null ")) -Werror -fanalyzer -Wno-analyzer-mismatching-deallocation -Wno-analyzer-malloc-leak"' \
    "$BUILD/compile_commands.json" | sort -u >"$out/commands"
[ "$(wc -l <"$out/commands")" -gt 100 ] ||
    { echo "only $(wc -l <"$out/commands") files"; exit 1; }
tr '\n' '\0' <"$out/commands" | xargs -0 -P 2 -n 1 sh -c
