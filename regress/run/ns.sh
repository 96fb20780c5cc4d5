# ns.sh: a mount namespace in which a state folder stands over the four
# directories that the shipped files name.  Sourced by bootstrap and by
# lib.sh; must already run in a mount namespace of its own, as root.
#
# Where such a directory does not exist, its parent is replaced, in this
# namespace alone, by a tmpfs that binds everything that was in it: the machine
# gets no directory that it did not have.

# stand_over DIR SOURCE: SOURCE appears at DIR.
stand_over()
{
	if [ ! -d "$1" ]; then
		parent_copy "$(dirname "$1")" || return 1
		mkdir -p "$1" || return 1
	fi
	mount --bind "$2" "$1"
}

# parent_copy DIR: DIR becomes a tmpfs that holds what DIR held.
parent_copy()
{
	_stage=$(mktemp -d) || return 1
	mount -t tmpfs -o mode=0755 none "$_stage" || return 1
	for _e in "$1"/* "$1"/.[!.]*; do
		_n=$_stage/${_e##*/}
		if [ -L "$_e" ]; then
			cp -P "$_e" "$_n" || return 1
		elif [ -d "$_e" ]; then
			mkdir "$_n" && mount --rbind "$_e" "$_n" || return 1
		elif [ -e "$_e" ]; then
			: >"$_n" && mount --bind "$_e" "$_n" || return 1
		fi
	done
	mount --move "$_stage" "$1" || return 1
	rmdir "$_stage"
}

# ns_enter STATE: STATE/{etc,lib,run,log} over the program's directories.
ns_enter()
{
	mount --make-rprivate / || return 1
	for _d in etc lib run log; do
		mkdir -p "$1/$_d" && chmod 755 "$1/$_d" || return 1
	done
	stand_over /etc/agentsh "$1/etc" &&
	    stand_over /var/lib/agentsh "$1/lib" &&
	    stand_over /run/agentsh "$1/run" &&
	    stand_over /var/log/agentsh "$1/log"
}

# free_uids: the first of four consecutive uids that nobody has.
free_uids()
{
	_u=61200
	while [ $_u -lt 64000 ]; do
		if ! getent passwd $_u $((_u + 1)) $((_u + 2)) $((_u + 3)) >/dev/null; then
			echo $_u
			return 0
		fi
		_u=$((_u + 4))
	done
	echo "no four unassigned user ids between 61200 and 64000" >&2
	return 1
}
