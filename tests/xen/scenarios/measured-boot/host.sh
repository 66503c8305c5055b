# A guest that is started from its own disk, measured: disks, and what HVM guests need of QEMU. What its PCRs have to be is worked out here, by sha1sum.
# shellcheck shell=bash disable=SC2034
. "$XEN/lib/guest-disk.sh"
stub_domain_images
MEMORY=1400
DOM0_MEMORY=660
DOMAINS=()
need grub-mkimage grub-common
[ -d /usr/lib/grub/i386-pc ] || need_package grub-pc-bin

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

# put FILE SECTOR: there on the second disk. sectors FILE: how many it takes.
put() { dd if="$1" of="$DIR/disk1" seek="$2" conv=notrunc status=none || fail "$1"; }
sectors() { echo $((($(stat -L -c %s "$1") + 511) / 512)); }

# boot_disk KERNEL INITRD: a second disk, from which GRUB starts them by the commands that dom0 writes to its sector 1900. A kernel
# that xl is given by name comes to the guest byte by byte through a port of its QEMU: half a minute, under emulation, for each start.
boot_disk() {
  local initrd=$((2048 + $(sectors "$1")))
  truncate -s 32M "$DIR/disk1" || fail "a disk"
  echo 'source (hd0)1900+2' >"$DIR/grub.cfg"
  grub-mkimage -O i386-pc -p /boot -c "$DIR/grub.cfg" -o "$DIR/grub.img" biosdisk linux configfile normal || fail "grub-mkimage"
  put /usr/lib/grub/i386-pc/boot.img 0
  put "$DIR/grub.img" 1
  put "$1" 2048
  put "$2" $initrd
  printf 'GRUB_KERNEL="(hd0)2048+%s"\nGRUB_INITRD="(hd0)%s+%s"\n' "$(sectors "$1")" $initrd "$(sectors "$2")" >"$DIR/dom0/settings"
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
FILES=$DIR/files/boot
mkdir -p "$FILES/grub"
cloud_guest
cp "$GUEST_KERNEL" "$FILES/vmlinuz"
# The same kernel to who starts it, and another to who measures it.
{ cat "$FILES/vmlinuz" && printf 'x'; } >"$FILES/changed"
pack guest | gzip -1 >"$FILES/initrd.img" || fail "the guest's initramfs"
{ echo 'set default="0"'; entry Debian /boot/vmlinuz "$LINE"; entry Changed /boot/changed "$LINE"; } >"$FILES/grub/grub.cfg"
guest_disk "$DIR/disk0" 48M "$DIR/files"
boot_disk "$OUT"/stubdom/{vmlinuz,vtpm-boot.img}
DISKS=(48M 32M)
expected good "$FILES/vmlinuz" "$LINE" "$FILES/initrd.img"
expected changed "$FILES/changed" "$LINE" "$FILES/initrd.img"
