# Sourced by scripts/tis and deploy/xen/build: the kernel that Debian makes for clouds, the smallest that has all of Xen's and a PC's drivers.
# shellcheck shell=bash

CLOUD_KERNEL=linux-image-cloud-amd64

# Unpacked and not installed: KERNEL_PACKAGE is its name, and KERNEL_FILES its folder, with boot/ and lib/modules/ in it.
get_cloud_kernel() {
  apt-cache show "$CLOUD_KERNEL" >/dev/null 2>&1 || apt-get update -qq
  KERNEL_PACKAGE=$(apt-cache depends "$CLOUD_KERNEL" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  [ -n "$KERNEL_PACKAGE" ] || fail "there is no package $CLOUD_KERNEL: is this Debian?"
  KERNEL_FILES=$OUT/kernel/$KERNEL_PACKAGE
  [ -f "$KERNEL_FILES/complete" ] && return
  say "downloading $KERNEL_PACKAGE"
  rm -rf "$OUT/kernel" && mkdir -p "$KERNEL_FILES" || fail "cannot write to $KERNEL_FILES"
  (cd "$KERNEL_FILES" \
    && { apt-get download -qq "$KERNEL_PACKAGE" || { apt-get update -qq && apt-get download -qq "$KERNEL_PACKAGE"; }; } >/dev/null 2>&1 \
    && dpkg -x ./*.deb . && rm -f ./*.deb && touch complete) || fail "apt-get download $KERNEL_PACKAGE"
}

# cloud_module NAME FILE: one of its modules, uncompressed.
cloud_module() {
  local path
  path=$(find "$KERNEL_FILES" -path "*/lib/modules/*" -name "$1.ko*" | head -1)
  case $path in
    *.ko) cp "$path" "$2";;
    *.ko.xz) xz -dc "$path" >"$2";;
    *) fail "the kernel $KERNEL_PACKAGE has no module $1";;
  esac
}
