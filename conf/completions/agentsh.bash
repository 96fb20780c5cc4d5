# bash completion for agentsh(1) and agentshctl(8).  It asks the program itself, so that
# there is no second list of commands and options to keep.

_agentsh_sessions()
{
	"$1" session list --json 2>/dev/null |
	    sed -n 's/^ *"id": *"\([^"]*\)".*/\1/p'
}

_agentsh()
{
	local prog=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}
	local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]} words="" i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			declare -F _command_offset >/dev/null &&
			    _command_offset $((i + 1))
			return
		fi
	done
	if [[ $COMP_CWORD -eq 1 ]]; then
		words=$("$prog" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort -u)
	elif [[ $cur == -* ]]; then
		[[ $first == exec ]] && second=
		words=$("$prog" help "$first" $second 2>/dev/null |
		    grep -o -- '--[a-z][a-z0-9-]*' | sort -u)
	elif [[ $COMP_CWORD -eq 2 && $first != exec ]]; then
		words=$("$prog" help | sed -n "s/^  $first \([a-z]*\) .*/\1/p")
	elif [[ $first == exec || $first == session || $first == events ]]; then
		words=$(_agentsh_sessions "$prog")
	else
		COMPREPLY=($(compgen -f -- "$cur"))
		return
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -o default -F _agentsh agentsh agentshctl
