# Guests that dom0 measures: one whose kernel is dom0's, and one that has its kernel, Debian's as it is, on its own disk. What their PCRs have to be is
# worked out here, by sha1sum.
# shellcheck shell=bash disable=SC2034
. "$XEN/lib/guest-disk.sh"
modules "$DIR/dom0" xen-blkback
mkdir -p "$DIR/dom0/etc/xen/scripts" "$DIR/files/boot/grub"
cp "$XEN/lib/block" "$DIR/dom0/etc/xen/scripts/block"
ln -s vtpm "$DIR/dom0/bin/vtpm-bootloader"
FILES=$DIR/files/boot
cloud_guest
cp "$GUEST_KERNEL" "$FILES/vmlinuz"
cp "$GUEST_KERNEL" "$DIR/dom0/root/vmlinuz" && rm "$DIR/dom0/root/vmlinux"
pack guest | gzip -1 >"$FILES/initrd.img" || fail "the guest's initramfs"
# As long as an initrd gets, and nothing in it: for its disk it is no burden.
truncate -s 1000M "$FILES/endless.img"
{ echo 'set default="0"'; entry Debian /boot/vmlinuz "$LINE"; entry Other /boot/vmlinuz "$LINE other"; } >"$FILES/grub/grub.cfg"
guest_disk "$DIR/disk0" 48M "$DIR/files"
DISKS=(48M)
# The same as make_machine packs.
pack guest >"$DIR/guest.cpio"
expected dom0s "$GUEST_KERNEL" "$LINE" "$DIR/guest.cpio"
expected disks "$FILES/vmlinuz" "$LINE" "$FILES/initrd.img"
expected others "$FILES/vmlinuz" "$LINE other more" "$FILES/initrd.img"
