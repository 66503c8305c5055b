# Guests that dom0 measures before they start: by vtpm measure, where the kernel is a file of dom0's, and by vtpm bootloader in pygrub's place, where it is
# on the guest's own disk. Their PCRs 4 and 5 are the hashes of what runs, for one start; and what cannot be measured does not start.
# shellcheck shell=sh disable=SC2016,SC2034,SC3043
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
OTHER=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55
LINE='console=hvc0 quiet loglevel=3 panic=-1 nokaslr'
UNSEALS='rm -f /tmp/opened; tpm_unsealdata -z -i /root/sealed -o /tmp/opened; grep -q "^for this kernel$" /tmp/opened'
ARE_ZEROES='has_tpm && pcr 4 && [ "$(pcr 4 | tr -d " 0")" = "" ] && [ "$(pcr 5 | tr -d " 0")" = "" ]'

start_backend() { starts backend "serves this domain's vTPM devices" vtpm tpmback --manager unix:/run/vtpm/manager.sock --without-ek "$@"; }

# configure LINE...: what xl is to know of the guest.
configure() { printf '%s\n' 'name="guest"' "memory=$GUEST_MEMORY" 'vcpus=1' "vtpm=[\"backend=0,uuid=$UUID\"]" "$@" >/run/guest.cfg; }
with_dom0s_kernel() { configure 'kernel="/root/vmlinuz"' 'ramdisk="/root/guest.cpio"' "extra=\"$LINE\""; }

# with_own_kernel ARGUMENTS [LINE...]: the loader's arguments, each in quotes and with a comma before it.
with_own_kernel() {
  local arguments=$1
  shift
  configure 'bootloader="/bin/vtpm-bootloader"' "bootloader_args=[\"--uuid=$UUID\"$arguments]" 'disk=["format=raw,vdev=xvda,access=rw,target=/dev/vda"]' "$@"
}

measures() { vtpm measure /run/guest.cfg --backend unix:/run/vtpm/tpmback.sock >/tmp/measure 2>&1; }

comes_up() {
  rm -f "$(console guest)"
  timeout 120 xl create -q /run/guest.cfg && is_up guest
}

# does_not_start: xl does not create it, and nothing of it is left in dom0.
does_not_start() {
  rm -f "$(console guest)" /var/log/xen/bootloader.*
  SEEN=$(wc -l </tmp/backend)
  is_not timeout 120 xl create -q /run/guest.cfg && is_not has "$(console guest)" 'DOMAIN READY' && is_not xl domid guest && is_clean
}
is_clean() { [ -z "$(find /var/lib/xen -name 'bootloader.*')" ]; }
# With the loader's words, which xl keeps; or with the backend's.
loader_refuses() { does_not_start && cat /var/log/xen/bootloader.* >/tmp/refusal && has /tmp/refusal "$1"; }
backend_refuses() { does_not_start && tail -n "+$((SEEN + 1))" /tmp/backend >/tmp/refusal && has /tmp/refusal "$1"; }

measured_by_dom0() {
  with_dom0s_kernel
  check "the guest's start is measured" measures
  check "a guest starts with a kernel of dom0's" comes_up || return
  check "its PCRs 4 and 5 are the hashes of kernel, command line and initrd" has_pcrs dom0s
  check "it takes ownership" in_guest 'start_tcsd && tpm_createek && tpm_takeownership -y -z'
  check "and seals to these PCRs" in_guest 'echo "for this kernel" >/root/secret; tpm_sealdata -z -p 4 -p 5 -i /root/secret -o /root/sealed && rm /root/secret'
  check "its files are kept" keep
  check "the guest reboots by itself" reboot_guest
  check "which nobody has measured: the PCRs are zeroes" in_guest "$ARE_ZEROES"
  check "it has the sealed file" give
  check "and cannot open it" is_not in_guest "start_tcsd && $UNSEALS"
  check "the guest ends" xl destroy guest
  check "its start is measured again" measures
  check "it starts again" comes_up
  check "with its PCRs" has_pcrs dom0s
  check "and the sealed file" give
  check "which it opens" in_guest "start_tcsd && $UNSEALS"
  check "the guest ends again" xl destroy guest
}

required() {
  check "the backend ends" ends backend
  check "and starts, and wants every start measured" start_backend --require-measurement
  check "a guest that nobody has measured does not start" backend_refuses 'nobody has left what domain [0-9]* boots'
  check "once it is measured" measures
  check "it starts" comes_up
  check "with its PCRs" has_pcrs dom0s
  check "the guest ends" xl destroy guest
}

measured_by_the_loader() {
  with_own_kernel ''
  check "a guest starts with the kernel of its own disk" comes_up || return
  check "its PCRs 4 and 5 are the hashes of what is on the disk" has_pcrs disks
  check "it has the disk's command line" in_guest "cat /proc/cmdline; grep -q '^$LINE\$' /proc/cmdline"
  check "nothing of the loader is left in dom0" is_clean
  check "the guest reboots by itself" reboot_guest
  check "and was measured again" has_pcrs disks
  check "the guest ends" xl destroy guest
  with_own_kernel ',"--entry=other"' 'extra="more"'
  check "it starts by another entry of its menu, with more arguments" comes_up
  check "and has the PCRs of that" has_pcrs others
  check "the guest ends again" xl destroy guest
}

refused_by_the_loader() {
  with_own_kernel ',"--entry=none"'
  check "by an entry that there is not, it does not start" loader_refuses "no entry 'none'"
  with_own_kernel '' 'kernel="/boot/vmlinuz"' 'ramdisk="/boot/endless.img"'
  check "nor with an initrd that would fill dom0" loader_refuses 'initrd has 1000 MiB, and at most 256 are copied'
  with_own_kernel ',"--max-ramdisk=1024"' 'kernel="/boot/vmlinuz"' 'ramdisk="/boot/endless.img"'
  check "nor, where it may be so long, without the room for it" loader_refuses 'there is no room'
  with_own_kernel ''
  sed -i "s/--uuid=$UUID/--uuid=$OTHER/" /run/guest.cfg
  check "nor measured for another vTPM than it has" backend_refuses 'nobody has left what domain [0-9]* boots'
  with_own_kernel ''
  check "the backend ends" ends backend
  check "without it the guest does not start" loader_refuses 'is vtpm tpmback running'
}

mkdir -p -m 700 /run/vtpm /var/lib/vtpm
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock || finish
check "the manager starts" starts manager 'Waiting for commands' vtpm manager --image /var/lib/vtpm/manager.img --provision /data/approval.pem \
  --host unix:/run/vtpm/manager.sock tpmdriver=unix:/run/hardware.sock || finish
check "the backend starts" start_backend || finish
measured_by_dom0
required
measured_by_the_loader
refused_by_the_loader
