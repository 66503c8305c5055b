# The machine of the original's three domains, with a hardware TPM: QEMU's registers, and Debian's swtpm behind them. What the hardware is and which
# authority it has are the host's, as a verifier's are.
# shellcheck shell=bash disable=SC2034
need swtpm swtpm
stub_domain_images
modules "$DIR/dom0" xen-blkback
# The manager's image, the vTPM's, and what dom0 keeps for the next boot and for the host.
DISKS=(2M 2M 2M)
POWER_CYCLES=2
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
NONCE=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')
mkdir -p "$DIR/dom0/etc/xen/scripts" "$DIR/tpm"
cp "$XEN/lib/block" "$DIR/dom0/etc/xen/scripts/block"
cp "$XEN/lib/three-domains.sh" "$DIR/dom0/three-domains.sh"
cp "$OUT"/stubdom/{vmlinuz,vtpmmgr-stubdom.img,vtpm-stubdom.img} "$DIR/dom0/root/"
# The guest asks for the quote and the authority's things itself; the executable without libraries is our only file there.
cp "$OUT/static/vtpm" "$DIR/guest/bin/vtpm"
[ -f "$DIR/authority.modulus" ] || "$VTPM" approve key "$DIR/authority.pem" >/dev/null || fail "vtpm approve key"
# Debian's places are another's here.
configuration() {
  sed -e 's|/usr/lib/vtpm/|/root/|' -e "s|file:/var/lib/vtpm/$1|phy:$2|" -e "s|AUTHORITY|$(base64 -w0 "$DIR/authority.modulus")|" \
    "$ROOT/deploy/xen/$3.cfg" >"$DIR/dom0/root/$3.cfg"
}
configuration vtpmmgr-stubdom.img /dev/vda vtpmmgr
configuration domu-vtpm.img /dev/vdb domu-vtpm
printf 'UUID=%s\nNONCE=%s\n' "$UUID" "$NONCE" >"$DIR/dom0/settings"
QEMU_EXTRA=(-chardev "socket,id=tpm,path=$DIR/tpm.sock" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-tis,tpmdev=tpm0)

before_boot() {
  local look
  swtpm socket --tpmstate "dir=$DIR/tpm" --ctrl "type=unixio,path=$DIR/tpm.sock" --terminate >"$DIR/swtpm$BOOT.log" 2>&1 &
  for look in $(seq 100); do [ -S "$DIR/tpm.sock" ] && return; sleep 0.05; done
  fail "swtpm does not start ($look looks)"
}

# host_check NAME COMMAND...: a check of the host's, among dom0's.
host_check() {
  local name=$1 result=PASS
  shift
  "$@" >"$DIR/host.log" 2>&1 || { result=FAIL; cat "$DIR/host.log"; }
  echo "$result $name (on the host)" >>"$DIR/checks"
}

# What a verifier far away does with what the guest has sent it.
after_boot() {
  rm -f "$DIR/tpm.sock"
  [ "$BOOT" = 1 ] || return 0
  mkdir -p "$DIR/sent" && tar -C "$DIR/sent" -xf "$DIR/disk2" 2>/dev/null
  local expected=()
  for pcr in 0 4 7; do
    value=$(sed -n "s/^PCR-0$pcr: //p" "$DIR/sent/hardware.pcrs" | tr -d ' \r\n')
    expected+=(--expect-hw-pcr "$pcr=$value" --expect-pcr "$pcr=$value")
  done
  local verify=("$VTPM" verify "$DIR/sent/evidence.json" --aik "$DIR/sent/aik.pub" --authority "$DIR/authority.modulus" --uuid "$UUID" "${expected[@]}")
  host_check "the guest's deep quote verifies outside" "${verify[@]}" --nonce "$NONCE"
  # 1 is "refused"; a command line that is wrong would be 2.
  host_check "and is refused for another nonce" eval "${verify[*]} --nonce $(printf %040d 0); [ \$? = 1 ]"
}
