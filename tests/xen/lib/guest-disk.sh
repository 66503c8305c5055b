# For host.sh of scenarios in which a guest is started from its own disk: the disk, and what the guest's PCRs have to be, worked out by sha1sum.
# shellcheck shell=bash
PATH=$PATH:/sbin:/usr/sbin
need mke2fs e2fsprogs xxd xxd
. "$ROOT/scripts/kernel.sh"
# What the first entry of the menu starts the kernel with.
LINE='console=hvc0 quiet loglevel=3 panic=-1 nokaslr'

# cloud_guest: the guest has Debian's kernel for clouds, as it is: with LZ4's form, not xz's, which is unpacked within seconds under emulation. Its file is
# GUEST_KERNEL.
cloud_guest() {
  get_cloud_kernel
  GUEST_KERNEL=$(echo "$KERNEL_FILES"/boot/vmlinuz-*)
  cloud_module xen-tpmfront "$DIR/guest/modules/xen-tpmfront.ko"
}

sha1() { sha1sum | cut -d' ' -f1; }
# extended PCR DIGEST: the PCR's next value, in hexadecimal.
extended() { printf '%s%s' "$1" "$2" | xxd -r -p | sha1; }

# expected NAME KERNEL LINE INITRD: PCRs 4 and 5 of a guest that is started with these files, in the form of sysfs, for dom0's has_pcrs NAME.
expected() {
  local zeroes line
  zeroes=$(printf '%040d' 0)
  line=$(printf '%s' "$3" | sha1)
  { echo "PCR-04: $(extended "$zeroes" "$(sha1 <"$2")")"; echo "PCR-05: $(extended "$(extended "$zeroes" "$line")" "$(sha1 <"$4")")"; } \
    | tr a-f A-F | sed 's/\([0-9A-F][0-9A-F]\)/\1 /g; s/^PCR-\(..\) :/PCR-\1:/; s/ *$/ /' >"$DIR/dom0/root/$1.pcrs"
}

# entry TITLE KERNEL LINE: one of the menu, in the form of Debian's installations.
entry() {
  cat <<MENU
menuentry '$1' --class debian \$menuentry_id_option '${1,,}' {
	load_video
	insmod ext2
	set root='hd0'
	echo	'Loading Linux ...'
	linux	$2 $3
	initrd	/boot/initrd.img
}
MENU
}

# guest_disk FILE SIZE FOLDER: a disk with these files.
guest_disk() { mke2fs -q -F -t ext4 -b 4096 -d "$3" "$1" "$2" >/dev/null || fail "mke2fs"; }
