#!/bin/sh
# bash completes the commands and options of agentsh from what the program says itself.
#
# completion.sh COMPLETION AGENTSH

command -v bash >/dev/null 2>&1 || { echo "skip: no bash"; exit 77; }
exec bash -s "$1" "$2" <<'EOB'
. "$1" || exit 1
prog=$2
fail=0
t()
{
	local want=$1
	shift
	COMP_WORDS=("$prog" "$@")
	COMP_CWORD=$#
	_agentsh
	if [ "${COMPREPLY[*]}" != "$want" ]; then
		echo "$*: got '${COMPREPLY[*]}', want '$want'"
		fail=1
	fi
}
t session s
t "create list info destroy" session ""
t "list check show lint explain decide" policy ""
t --timeout exec --ti
t --limit events query --li
exit $fail
EOB
