# lib.sh: machines with other kernels.  Sourced by the scripts of this folder.
#
#	vm_package VERSION		name of the kernel package for VERSION (6.1), or nothing
#	vm_fetch PACKAGE		what a machine needs of it, below $VMS/PACKAGE
#	vm_boot PACKAGE YAMA TEST...	boots it and runs every TEST with each value of
#					Yama in YAMA ("0 1 2"), one line for each on standard output
#
# The machine is QEMU without hardware acceleration.  Its root is the host's own file
# tree, read-only, with a layer of units before it and an overlay in memory behind;
# systemd is process 1, the cgroup hierarchy is version 2 alone, /var/tmp is a disk.
#
# Packages come from where this machine has its own, and from the backports beside it;
# apt's lists of those are kept below $VMS, so that the machine's stay as they are.

: "${VMS:=$BUILD-vm}"
VM_MODULES="virtio_pci virtio_blk 9pnet_virtio 9p overlay crc32c_generic ext4"

# vm_apt get|cache WORD...
vm_apt()
{
	_tool=apt-$1
	shift
	"$_tool" -q -o Dir::Etc::sourcelist="$VMS/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
	    -o Dir::State::lists="$VMS/apt/lists" -o Dir::Cache="$VMS/apt/cache" \
	    -o APT::Sandbox::User=root -o Acquire::Retries=5 "$@"
}

# The distribution's own sources, each part also as its backports.
vm_sources()
{
	_name=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$VMS/apt/lists/partial" "$VMS/apt/cache/archives/partial" || return 1
	_key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e $_key ] && _key="[signed-by=$_key] " || _key=
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	    awk -v name="$_name" -v key="$_key" '
		$3 == "main" && index($2, name) == 1 { print "deb " key $0 }
		$3 == "main" && $2 == name { print "deb " key $1 " " name "-backports main" }' |
	    sort -u >"$VMS/apt/sources.list"
	vm_apt get update >"$VMS/apt/log" 2>&1 || { cat "$VMS/apt/log" >&2; return 1; }
}

vm_package()
{
	vm_apt cache search --names-only "^linux-image-$1\\.[0-9].*-(amd64|generic)\$" 2>/dev/null |
	    awk '{ print $1 }' | grep -Ev -- '-(cloud|rt)-' | sort -V | tail -n 1
}

# vm_fetch PACKAGE: 0 when it is there.  All of it would be half a gigabyte.
vm_fetch()
{
	_d=$VMS/$1
	[ -e "$_d/done" ] && return 0
	rm -rf "$_d"
	mkdir -p "$_d/deb" || return 1
	# Ubuntu's modules have a package of their own.
	_more=linux-modules-${1#linux-image-}
	vm_apt cache show "$_more" >/dev/null 2>&1 || _more=
	# shellcheck disable=SC2086
	(cd "$_d/deb" && vm_apt get download "$1" $_more && for _p in ./*.deb; do dpkg-deb --fsys-tarfile "$_p"; done |
	    tar x -i -C .. --wildcards './boot/vmlinuz-*' './lib/modules/*/modules.builtin' \
	    './lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/block/*' \
	    './lib/modules/*/kernel/net/9p/*' './lib/modules/*/kernel/fs/*' \
	    './lib/modules/*/kernel/lib/*' './lib/modules/*/kernel/crypto/*') \
	    >"$_d/log" 2>&1 </dev/null || { cat "$_d/log" >&2; return 1; }
	rm -rf "$_d/deb"
	: >"$_d/done"
}

# The files that the machine shows before the host's: what it starts, and nothing
# that it need not.
vm_layer()
{
	_u=$1/etc/systemd/system
	mkdir -p "$_u"
	: >"$1/etc/fstab"
	echo vm >"$1/etc/hostname"
	cp "$TOP/regress/vm/guest" "$1/etc/vm-guest"
	cat >"$_u/default.target" <<-E
	[Unit]
	Requires=sysinit.target vm-test.service
	After=sysinit.target
	AllowIsolate=yes
	E
	cat >"$_u/vm-test.service" <<-E
	[Unit]
	DefaultDependencies=no
	After=sysinit.target
	SuccessAction=poweroff-force
	FailureAction=poweroff-force
	[Service]
	Type=oneshot
	ExecStart=/bin/sh /etc/vm-guest
	StandardOutput=tty
	StandardError=tty
	TTYPath=/dev/ttyS0
	TimeoutStartSec=infinity
	E
	for _n in systemd-logind.service systemd-udevd.service systemd-udev-trigger.service \
	    systemd-timesyncd.service systemd-networkd.service systemd-resolved.service \
	    systemd-tmpfiles-setup.service systemd-tmpfiles-clean.timer \
	    systemd-sysusers.service systemd-update-utmp.service dev-mqueue.mount dev-hugepages.mount \
	    modprobe@configfs.service modprobe@dm_mod.service modprobe@efi_pstore.service \
	    modprobe@fuse.service modprobe@loop.service modprobe@drm.service \
	    systemd-random-seed.service systemd-firstboot.service ldconfig.service \
	    systemd-journal-flush.service systemd-pcrphase-sysinit.service; do
		ln -s /dev/null "$_u/$_n"
	done
}

vm_boot()
{
	_pkg=$1
	_yama=$2
	shift 2
	_d=$VMS/$_pkg
	_mods=$(echo "$_d"/lib/modules/*)
	_t=$TESTTMP/$_pkg
	mkdir -p "$_t/layer" "$_t/out" && chmod 755 "$_t" "$_t/layer" || return 1
	vm_layer "$_t/layer"
	# shellcheck disable=SC2086
	python3 "$TOP/regress/vm/initrd.py" "$_mods" "$BUILD/regress/vm/vminit" "$_t/initrd" \
	    $VM_MODULES || return 1
	truncate -s 4G "$_t/disk" && mke2fs -q -t ext4 -F "$_t/disk" || return 1
	{
		for _v in TOP BUILD ROOT SOAK RACE_SECONDS RACE_CALLS FEATURE_SETS GUEST_LIMIT; do
			eval "_x=\${$_v-}"
			[ -z "$_x" ] || echo "export $_v='$_x'"
		done
		echo "SHX='${SHX-}'"
		echo "YAMAS='$_yama'"
		echo "TESTS='$*'"
	} >"$_t/out/what"
	: >"$_t/out/results"
	# Without the mitigations every system call of a machine that is all software is cheaper.  Its
	# clock is the host's: watched, it looks unstable where the host is busy, and the next one is slow.
	timeout -k 5 "${VM_SECONDS:-1440}" qemu-system-x86_64 -accel tcg,thread=multi,tb-size=512 -cpu Nehalem -smp 2 -m 2048 \
	    -nodefaults -no-reboot -display none -serial "file:$_t/console" \
	    -kernel "$_d"/boot/vmlinuz-* -initrd "$_t/initrd" \
	    -append "console=ttyS0 loglevel=5 mitigations=off tsc=reliable no_timer_check panic=-1 systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 cgroup_no_v1=all net.ifnames=0" \
	    -fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap" \
	    -device virtio-9p-pci,fsdev=host,mount_tag=host \
	    -fsdev "local,id=layer,path=$_t/layer,security_model=none,readonly=on" \
	    -device virtio-9p-pci,fsdev=layer,mount_tag=layer \
	    -fsdev "local,id=out,path=$_t/out,security_model=none" \
	    -device virtio-9p-pci,fsdev=out,mount_tag=out \
	    -drive "file=$_t/disk,format=raw,if=none,id=disk,cache=unsafe" \
	    -device virtio-blk-pci,drive=disk >"$_t/qemu" 2>&1 </dev/null
	_rc=$?
	cat "$_t/out/results"
	if [ $_rc -ne 0 ] || ! grep -q '^end$' "$_t/out/results"; then
		echo "$_pkg: the machine ended with $_rc before its tests did"
		cat "$_t/qemu"
		tail -n 15 "$_t/console"
		[ ! -e "$_t/out/tasks" ] || grep -v '^[0-9]* ([^)]*) [SI] 2 ' "$_t/out/tasks" | tail -n 60
		return 1
	fi
	! grep -q '^FAIL' "$_t/out/results"
}
