# The race tests have teeth: a tracer built to answer CONTINUE after its check
# loses open, exec and connect in the same test within the same time.
# limit: 300
TEETH=1
ROOT=$BUILD-teeth/root
export TEETH ROOT
[ -x "$ROOT/libexec/agentsh/agentsh-tracer" ] || { echo "no insecure build in $ROOT"; exit 77; }
exec sh "$TOP/regress/attack/race.sh"
