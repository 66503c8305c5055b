# Sourced by tests/xen/run: where Xen and the kernel come from, what the domains' file systems hold, and how the machine boots. What a scenario's
# host.sh may change is the first block.
# shellcheck shell=bash

# Megabytes of the machine, and of its dom0; what is left is the other domains'.
MEMORY=1280
DOM0_MEMORY=640
# The domains but dom0 whose file systems ($DIR/NAME) are packed, to be /root/NAME.cpio in dom0.
DOMAINS=(guest)
# How often the machine boots. dom0's script has the number in BOOT; only DISKS and what before_boot keeps outlive a boot.
POWER_CYCLES=1
# The sizes of disks, such as 2M; dom0 has them as /dev/vda, /dev/vdb ...
DISKS=()
# More arguments of QEMU, Xen and dom0's kernel.
QEMU_EXTRA=()
XEN_EXTRA=
LINUX_EXTRA=
# One boot takes one or two minutes; a busy machine may be slow.
BOOT_SECONDS=${XEN_SECONDS:-600}
# What the host does before the machine is switched on, and after it is off; the boot's number is in BOOT.
before_boot() { :; }
after_boot() { :; }

KERNEL=linux-image-amd64
# In the order in which they need each other.
DOM0_MODULES=(xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs)
DISK_MODULES=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk)
XEN_LIBRARIES=(libxenmisc libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4 libxentoolcore1
  libxentoollog1 libyajl2)

# depends PACKAGE PATTERN: the package that a metapackage stands for.
depends() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2\)/\1/p" | head -1; }

# What makes and boots a machine, and its domains.
need_machine() {
  [ "$RID" = linux-x64 ] || fail "a machine with Xen is for x86-64: dom0 runs this machine's executable"
  need qemu-system-x86_64 qemu-system-x86 busybox busybox-static cpio cpio xz xz-utils
  need_tpm_tools
  need_libcrypto
  publish_if_needed
  get_xen
}

# Xen, its tools and Debian's kernel, unpacked and not installed.
get_xen() {
  local kernel version packages
  apt-cache show "$KERNEL" >/dev/null 2>&1 || apt-get update -qq
  kernel=$(depends "$KERNEL" 'linux-image-[0-9].*')
  version=$(depends xen-system-amd64 'xen-hypervisor-[0-9].*' | sed 's/xen-hypervisor-\([0-9.]*\)-.*/\1/')
  [ -n "$kernel" ] && [ -n "$version" ] || fail "there is no package $KERNEL, or none xen-system-amd64: is this Debian?"
  CACHE=$OUT/xen/$kernel-xen-$version
  TOOLS=$CACHE/usr/lib/xen-$version/bin
  [ -f "$CACHE/complete" ] && return
  packages=("$kernel" "xen-hypervisor-$version-amd64" "xen-utils-$version" xenstore-utils "${XEN_LIBRARIES[@]/%libxenmisc/libxenmisc$version}")
  say "downloading Xen $version and $kernel (70 MB)"
  rm -rf "$OUT/xen" && mkdir -p "$CACHE" || fail "cannot write to $CACHE"
  (cd "$CACHE" && { apt-get download -qq "${packages[@]}" || { apt-get update -qq && apt-get download -qq "${packages[@]}"; }; } >/dev/null 2>&1) \
    || fail "apt-get download ${packages[*]}"
  (cd "$CACHE" && for package in ./*.deb; do dpkg -x "$package" . || exit 1; done && rm -f ./*.deb \
    && gunzip -c boot/xen-"$version"-amd64.gz >xen && unpack_kernel boot/vmlinuz-* >vmlinux && touch complete) || fail "unpacking them"
}

# Debian's vmlinuz has the kernel in xz's form; minutes of emulation are saved when it is unpacked here.
unpack_kernel() {
  local at
  at=$(LC_ALL=C grep -aboP -m1 '\xFD7zXZ\x00' "$1" | head -1 | cut -d: -f1)
  [ -n "$at" ] && xz -dcq --single-stream < <(tail -c +$((at + 1)) "$1")
}

# programs ROOT FILE...: with the libraries that they are linked with.
programs() {
  local root=$1 program library path=$CACHE/usr/lib/x86_64-linux-gnu:${TOOLS%/bin}/lib/x86_64-linux-gnu
  shift
  for program in "$@"; do
    cp -L "$program" "$root/bin/" || fail "$program"
    for library in $(LD_LIBRARY_PATH=$path ldd "$program" 2>/dev/null | grep -o '/[^ ]*'); do
      [ -e "$root/lib64/${library##*/}" ] || cp -L "$library" "$root/lib64/" || fail "$library"
    done
  done
}

# modules ROOT NAME...: which its first process loads in this order.
modules() {
  local root=$1 name path
  shift
  for name in "$@"; do
    path=$(find "$CACHE/lib/modules" "$CACHE/usr/lib/modules" -name "$name.ko*" 2>/dev/null | head -1)
    case $path in
      *.ko) cp "$path" "$root/modules/$name.ko";;
      *.ko.xz) xz -dc "$path" >"$root/modules/$name.ko";;
      *) fail "the kernel has no module $name";;
    esac
    echo "$name" >>"$root/modules/order"
  done
}

# root NAME FILE: an empty file system in $DIR/NAME with busybox, and that file of lib/ as its first process.
root() {
  mkdir -p "$DIR/$1"/{bin,data,dev,etc,lib64,modules,proc,root,run,sys,tmp,var}
  # The linker's place, and where it looks.
  ln -s lib64 "$DIR/$1/lib"
  cp "$(command -v busybox)" "$DIR/$1/bin/busybox"
  cp "$XEN/lib/common.sh" "$DIR/$1/common.sh"
  cp "$XEN/lib/$2" "$DIR/$1/init" && chmod +x "$DIR/$1/init"
  : >"$DIR/$1/modules/order"
}

# domain NAME [FILE]: the file system of a domain that does what dom0 tells it (in_guest), which may be to call functions of that file.
domain() {
  root "$1" domain.sh
  cp "${2:-/dev/null}" "$DIR/$1/functions.sh" || fail "$2"
}

# vtpm_programs ROOT: our executable, with what it loads: OpenSSL, and the C library's unwinder when a thread ends.
vtpm_programs() {
  programs "$1" "$VTPM"
  loaded "$1" libcrypto.so.3 libssl.so.3 libgcc_s.so.1
}

# loaded ROOT NAME...: libraries that are not linked with but loaded.
loaded() {
  local root=$1 name library
  shift
  for name in "$@"; do
    library=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | sed -n "s/^[[:space:]]*$name .*x86-64.* => //p" | head -1)
    cp -L "$library" "$root/lib64/" || fail "there is no $name"
  done
}

# pack NAME: the file system as an initramfs.
pack() { (cd "$DIR/$1" && find . | cpio -o -H newc -R 0:0 2>/dev/null); }

# Debian's kernel and TPM tools, and nothing of ours.
make_guest() {
  domain guest "$XEN/lib/guest.sh"
  modules "$DIR/guest" xen-tpmfront
  programs "$DIR/guest" "$(command -v tcsd)" "$(command -v tpm_version)" "$(command -v tpm_createek)" "$(command -v tpm_takeownership)" \
    "$(command -v tpm_sealdata)" "$(command -v tpm_unsealdata)"
  loaded "$DIR/guest" libgcc_s.so.1
  # tcsd is tss's, as Debian has it; the guest's state is below /var/lib/tpm.
  mkdir -p "$DIR/guest/var/lib/tpm"
  printf 'root:x:0:0::/root:/bin/sh\ntss:x:100:100::/var/lib/tpm:/bin/false\n' >"$DIR/guest/etc/passwd"
  printf 'root:x:0:\ntss:x:100:\n' >"$DIR/guest/etc/group"
  echo '127.0.0.1 localhost' >"$DIR/guest/etc/hosts"
  : >"$DIR/guest/etc/tcsd.conf"
}

make_dom0() {
  root dom0 dom0.sh
  modules "$DIR/dom0" "${DOM0_MODULES[@]}"
  mkdir -p "$DIR/dom0"/{etc/xen,var/log/xen,var/lib/xen,var/lib/xenstored}
  : >"$DIR/dom0/etc/xen/xl.conf"
  programs "$DIR/dom0" "$TOOLS"/{xl,xenstored,xenconsoled,xen-init-dom0} "$CACHE"/usr/bin/xenstore-{read,write,list}
  vtpm_programs "$DIR/dom0"
  cp "$SCENARIO/dom0.sh" "$DIR/dom0/scenario"
  cp "$CACHE/vmlinux" "$DIR/dom0/root/"
}

# dom0 with systemd, and with our units as they are delivered (lib/systemd.sh is for dom0.sh there).
systemd_services() {
  local root=$DIR/dom0 unit name
  [ -x /lib/systemd/systemd ] || need_package systemd
  programs "$root" /lib/systemd/systemd "$(command -v systemctl)"
  mkdir -p "$root"/etc/systemd/system "$root"/etc/default "$root"/usr/sbin "$root"/var/tmp
  ln -s ../../bin/vtpm "$root/usr/sbin/vtpm"
  ln -s ../run "$root/var/run"
  printf 'root:x:0:0::/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  printf '[Unit]\nDefaultDependencies=no\n' >"$root/etc/systemd/system/services.target"
  { cp "$XEN/lib/systemd.sh" "$root/" && cp "$XEN/lib/vtpm.default" "$root/etc/default/vtpm"; } || fail "what systemd needs"
  for unit in "$ROOT"/deploy/systemd/*.service; do
    name=${unit##*/}
    cp "$unit" "$root/etc/systemd/system/"
    mkdir "$root/etc/systemd/system/$name.d"
    # There is no journal here, and nothing that units by default come after.
    printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=append:/tmp/%s\nStandardError=inherit\n' "${name%.service}" \
      >"$root/etc/systemd/system/$name.d/here.conf"
  done
}

# stub_domain_images: those of deploy/xen, into $OUT/stubdom; built anew when what they are made of is newer.
stub_domain_images() {
  local image
  publish_static_if_needed
  for image in vtpmmgr-stubdom vtpm-stubdom vtpm-boot; do
    [ "$OUT/stubdom/$image.img" -nt "$OUT/static/vtpm" ] && [ "$OUT/stubdom/$image.img" -nt "$ROOT/deploy/xen/build" ] && continue
    "$ROOT/deploy/xen/build" || fail "deploy/xen/build"
    return
  done
}

# When the scenario has had its say: dom0's initramfs, with the other domains' in it, and the disks.
make_machine() {
  local name number=0
  for name in "${DOMAINS[@]}"; do pack "$name" >"$DIR/dom0/root/$name.cpio" || fail "the initramfs of $name"; done
  [ ${#DISKS[@]} = 0 ] || modules "$DIR/dom0" "${DISK_MODULES[@]}"
  pack dom0 | gzip -1 >"$DIR/dom0.gz" || fail "dom0's initramfs"
  DRIVES=()
  for size in "${DISKS[@]}"; do
    truncate -s "$size" "$DIR/disk$number" || fail "a disk of $size"
    DRIVES+=(-drive "file=$DIR/disk$number,format=raw,if=virtio")
    number=$((number + 1))
  done
  : >"$DIR/results"
}

# machine_command CONSOLE: QEMU's command line into MACHINE; the first serial port is that device of QEMU's, such as file:PATH. Without smap dom0 dies at
# once under emulation, and with AVX its processes crash at random: both are taken out of the processor.
machine_command() {
  local xen="console=com1 com1=115200,8n1 dom0_mem=${DOM0_MEMORY}M,max:${DOM0_MEMORY}M loglvl=warning guest_loglvl=warning bootscrub=0"
  local linux="console=hvc0 panic=-1 quiet loglevel=3 nokaslr tsc=reliable apparmor=0 audit=0 cryptomgr.notests"
  # What costs time under emulation, where it protects nobody.
  xen+=" xpti=no spec-ctrl=no pv-l1tf=off ucode=no vpmu=off $XEN_EXTRA"
  linux+=" mitigations=off vtpm.boot=$BOOT $LINUX_EXTRA"
  MACHINE=(timeout --foreground -k 5 "$BOOT_SECONDS" qemu-system-x86_64 -accel tcg -cpu max,-smap,-xsave,-avx,-avx2,-f16c,-fma -m "$MEMORY" -smp 1
    -nographic -nodefaults -no-reboot -serial "$1" -serial "file:$DIR/checks" "${DRIVES[@]}" "${QEMU_EXTRA[@]}"
    -kernel "$CACHE/xen" -append "$xen" -initrd "$CACHE/vmlinux $linux,$DIR/dom0.gz")
}

start_machine() {
  machine_command "file:$DIR/console"
  "${MACHINE[@]}" </dev/null >"$DIR/qemu.log" 2>&1
}

# One boot, until dom0 has switched the machine off, and what dom0 said of it.
boot() {
  : >"$DIR/checks"
  before_boot
  start_machine
  after_boot
  tr -d '\r' <"$DIR/checks" | grep -a '^\(PASS\|FAIL\) ' >"$DIR/said"
  grep -aq '^DOM0 DONE' "$DIR/checks" || echo "FAIL dom0 came to its end in boot $BOOT, within $BOOT_SECONDS s" >>"$DIR/said"
  cat "$DIR/said"
  cat "$DIR/said" >>"$DIR/results"
  if grep -q '^FAIL ' "$DIR/said" || [ -n "${XEN_VERBOSE:-}" ]; then
    echo "--- the machine's console" && tr -d '\r' <"$DIR/console" && echo "--- QEMU" && cat "$DIR/qemu.log"
  fi
}
