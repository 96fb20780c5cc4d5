# The environment of a session is what the policy's env rules leave: allow list,
# then deny list, env_inject last; too much of it is exit 2 and names the limit.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

inside()
{
	env -i PATH="$PATH" HOME=/root "$@" "$ROOT/bin/agentsh" exec "$sid" -- env
}

inside LANG=C LC_ALL=C GIT_DIR=x NPM_TOKEN=x AWS_SECRET_ACCESS_KEY=x OPENAI_API_KEY=x \
    DATABASE_URL=x RANDOM_NAME=x TOKEN_X=x LD_PRELOAD=/none LD_LIBRARY_PATH=/none \
    HTTP_PROXY=p >"$TESTTMP/env" || bad "env did not run"
for name in PATH HOME LANG LC_ALL GIT_DIR NPM_TOKEN HTTP_PROXY; do
	check "$name is allowed" grep -q "^$name=" "$TESTTMP/env"
done
for name in AWS_SECRET_ACCESS_KEY OPENAI_API_KEY DATABASE_URL RANDOM_NAME TOKEN_X LD_PRELOAD LD_LIBRARY_PATH; do
	check_not "$name is not" grep -q "^$name=" "$TESTTMP/env"
done

# what a child passes on is its own affair; the front door's environment is all it starts with
check "a shell in a session sees no more" [ "$(env SECRET_THING=x "$ROOT/bin/agentsh" exec "$sid" -- sh -c 'echo "${SECRET_THING-unset}"')" = unset ]

# more names than max_keys: 100
set --
i=0
while [ $i -lt 120 ]; do
	set -- "$@" "LC_N$i=1"
	i=$((i + 1))
done
inside "$@" >"$TESTTMP/out" 2>"$TESTTMP/err"
rc=$?
check "too many names: exit 2 (got $rc)" [ $rc -eq 2 ]
check "too many names: says max_keys" grep -q max_keys "$TESTTMP/err"
check_not "too many names: nothing ran" [ -s "$TESTTMP/out" ]

# more bytes than max_bytes: 65536
inside LC_BIG="$(head -c 70000 /dev/zero | tr '\0' x)" >"$TESTTMP/out" 2>"$TESTTMP/err"
rc=$?
check "too many bytes: exit 2 (got $rc)" [ $rc -eq 2 ]
check "too many bytes: says max_bytes" grep -q max_bytes "$TESTTMP/err"

# env_inject of config and policy, which no rule takes away
stop_house
cat >>/etc/agentsh/policies/default.yaml <<'Y'
env_inject:
  INJECTED_BY_POLICY: "yes"
  AWS_REGION: "nowhere"
Y
python3 - <<'P'
p = "/etc/agentsh/config.yaml"
s = open(p).read()
s = s.replace("sandbox:\n  enabled: true\n", "sandbox:\n  enabled: true\n  env_inject:\n    BASH_ENV: \"/none/startup.sh\"\n", 1)
open(p, "w").write(s)
P
start_house
sid=$(new_session)
inside INJECTED_BY_POLICY=no >"$TESTTMP/env"
check "policy env_inject wins" grep -qx INJECTED_BY_POLICY=yes "$TESTTMP/env"
check "env_inject is after the deny list" grep -qx AWS_REGION=nowhere "$TESTTMP/env"
check "config env_inject" grep -qx BASH_ENV=/none/startup.sh "$TESTTMP/env"
