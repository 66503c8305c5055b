# A guest that is started from its own disk, measured: disks, and what HVM guests need of QEMU. What its PCRs have to be is worked out here, by sha1sum.
# shellcheck shell=bash disable=SC2034
PATH=$PATH:/sbin:/usr/sbin
need mke2fs e2fsprogs xxd xxd
"$ROOT/deploy/xen/build" || fail "deploy/xen/build"
MEMORY=1500
DOM0_MEMORY=760
DOMAINS=()
LINE='console=hvc0 quiet loglevel=3 panic=-1 nokaslr'

# get_device_model: Debian's QEMU for Xen's HVM guests, with the firmware that it loads.
get_device_model() {
  DEVICE_MODEL=$CACHE/device-model
  ldconfig -p | grep 'libspice-server\.so\.1' >/dev/null || need_package libspice-server1
  ldconfig -p | grep 'libusb-1\.0\.so\.0' >/dev/null || need_package libusb-1.0-0
  [ -f "$DEVICE_MODEL/complete" ] && return
  rm -rf "$DEVICE_MODEL" && mkdir -p "$DEVICE_MODEL" || fail "cannot write to $DEVICE_MODEL"
  (cd "$DEVICE_MODEL" && apt-get download -qq qemu-system-xen qemu-system-data seabios >/dev/null 2>&1 \
    && for package in ./*.deb; do dpkg -x "$package" . || exit 1; done && rm -f ./*.deb && touch complete) || fail "apt-get download qemu-system-xen"
}

# sha1 FILE; extended PCR DIGEST: the PCR's next value, in hexadecimal.
sha1() { sha1sum "$1" | cut -d' ' -f1; }
extended() { printf '%s%s' "$1" "$2" | xxd -r -p | sha1sum | cut -d' ' -f1; }

# expected NAME KERNEL INITRD: what PCRs 4 and 5 have to be, in the form of sysfs.
expected() {
  local zeroes line
  zeroes=$(printf '%040d' 0)
  line=$(printf '%s' "$LINE" | sha1sum | cut -d' ' -f1)
  { echo "PCR-04: $(extended "$zeroes" "$(sha1 "$2")")"; echo "PCR-05: $(extended "$(extended "$zeroes" "$line")" "$(sha1 "$3")")"; } \
    | tr a-f A-F | sed 's/\([0-9A-F][0-9A-F]\)/\1 /g; s/^PCR-\(..\) :/PCR-\1:/; s/ *$/ /' >"$DIR/dom0/root/$1.pcrs"
}

# disk NAME FOLDER: a guest's disk with these files, in the form of Debian's installations.
disk() {
  mkdir -p "$2/boot/grub"
  cat >"$2/boot/grub/grub.cfg" <<MENU
set default="0"
menuentry 'Debian GNU/Linux' --class debian \$menuentry_id_option 'gnulinux-simple' {
	load_video
	insmod ext2
	set root='hd0'
	echo	'Loading Linux ...'
	linux	/boot/vmlinuz $LINE
	initrd	/boot/initrd.img
}
MENU
  mke2fs -q -F -t ext4 -d "$2" "$DIR/dom0/root/$1.disk" 32M >/dev/null || fail "mke2fs"
}

get_device_model
programs "$DIR/dom0" "$DEVICE_MODEL/usr/libexec/xen-qemu-system-i386"
HVM=${TOOLS%/bin}/boot
mkdir -p "$DIR/dom0"/{usr/libexec,usr/share/qemu,usr/share/seabios,var/lock,"${HVM#"$CACHE/"}"}
mv "$DIR/dom0/bin/xen-qemu-system-i386" "$DIR/dom0/usr/libexec/"
cp "$HVM/hvmloader" "$DIR/dom0/${HVM#"$CACHE/"}/"
rm "$DIR/dom0/root/vmlinux"
cp -rL "$DEVICE_MODEL"/usr/share/qemu/{keymaps,kvmvapic.bin,linuxboot.bin,linuxboot_dma.bin} "$DIR/dom0/usr/share/qemu/"
cp -L "$DEVICE_MODEL/usr/share/seabios/bios-256k.bin" "$DIR/dom0/usr/share/seabios/"
cp "$OUT"/stubdom/{vmlinuz,vtpm-boot.img} "$DIR/dom0/root/"
ln -s vtpm "$DIR/dom0/bin/vtpm-bootloader"
FILES=$DIR/files
mkdir -p "$FILES/boot"
cp "$CACHE"/boot/vmlinuz-* "$FILES/boot/vmlinuz"
pack guest | gzip -1 >"$FILES/boot/initrd.img" || fail "the guest's initramfs"
expected good "$FILES/boot/vmlinuz" "$FILES/boot/initrd.img"
disk good "$FILES"
# The same kernel to who starts it, and another to who measures it.
printf 'x' >>"$FILES/boot/vmlinuz"
expected changed "$FILES/boot/vmlinuz" "$FILES/boot/initrd.img"
disk changed "$FILES"
