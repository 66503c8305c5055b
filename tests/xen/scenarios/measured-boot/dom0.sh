# A guest that is started from its own disk by the measured boot domain, an HVM guest by kexec: its PCRs 4 and 5 are the hashes of what runs, what it
# has sealed to them does not open for another kernel, and without the vTPM that it asks for it does not start.
# shellcheck shell=sh disable=SC2016,SC3043
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
LINE='console=hvc0 quiet loglevel=3 panic=-1 nokaslr'
. /settings
UNSEALS='rm -f /tmp/opened; tpm_unsealdata -z -i /root/sealed -o /tmp/opened; grep -q "^for this kernel$" /tmp/opened'

start_vtpm() {
  starts vtpm ready vtpm run --image /data/vtpm.img --manager unix:/run/vtpms/$UUID.sock --uuid $UUID --listen xen: loglevel=debug
}

# measured [WORD...]: xl creates the guest that starts itself from its disk. Words are for the boot. The boot domain's kernel and image come by their names
# in the configuration (BY=name), as they do at a site, or from a disk by GRUB, which is much faster here.
measured() {
  {
    echo 'name="guest"'
    echo 'type="hvm"'
    echo 'memory=320'
    echo 'vcpus=1'
    echo 'tsc_mode="native"'
    echo 'vga="none"'
    echo 'vnc=0'
    echo 'usb=0'
    echo 'on_reboot="destroy"'
    [ -n "$VTPM" ] && echo "vtpm=[\"backend=0,uuid=$UUID\"]"
    "by_$BY" "$@"
  } >/run/guest.cfg
  rm -f "$(console guest)"
  timeout 120 xl create -q /run/guest.cfg
}
by_name() {
  echo 'kernel="/root/vmlinuz"'
  echo 'ramdisk="/root/vtpm-boot.img"'
  echo "extra=\"$LINE $*\""
  echo "disk=[\"$(disk xvda /dev/vda)\"]"
}
by_grub() {
  printf '%-1023s\n' "linux $GRUB_KERNEL $LINE boot-disk=xvdb $*
initrd $GRUB_INITRD
boot" | dd of=/dev/vdb bs=512 seek=1900 conv=notrunc,fsync 2>/dev/null
  echo 'boot="c"'
  echo 'hdtype="ahci"'
  echo "disk=[\"$(disk xvda /dev/vdb)\", \"$(disk xvdb /dev/vda)\"]"
}
disk() { echo "format=raw,vdev=$1,access=rw,backendtype=qdisk,target=$2"; }

# boots [WORD...]: it comes to its commands. Two kernels are unpacked in it, one after the other, which takes its time under emulation.
boots() {
  measured "$@" && xenstore-read "/local/domain/$(xl domid guest)/console/tty" >/run/guest.tty && until_true 300 has "$(console guest)" 'DOMAIN READY'
}

# refuses TEXT [WORD...]: its console says so, and the domain ends without the guest.
refuses() {
  local text=$1
  shift
  measured "$@" && until_true 240 has "$(console guest)" "$text" && until_true 60 is_gone && ! has "$(console guest)" 'DOMAIN READY'
}
is_gone() { ! xl domid guest >/dev/null 2>&1; }

VTPM=yes
BY=name
mkdir -p /run/vtpms
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock
check "the manager starts" starts manager 'Waiting for commands' vtpm manager --image /data/manager.img --provision /data/approval.pem \
  --listen unix:/run/vtpms/$UUID.sock tpmdriver=unix:/run/hardware.sock
check "the vTPM starts" start_vtpm
check "a guest boots itself from its own disk" boots || finish
check "its PCRs 4 and 5 are the hashes of kernel, command line and initrd" has_pcrs good
check "it is the guest's kernel that runs, with that command line" in_guest "cat /proc/cmdline; grep -q '^$LINE\$' /proc/cmdline"
check "it takes ownership" in_guest 'start_tcsd && tpm_takeownership -y -z'
check "and seals to these PCRs" in_guest 'echo "for this kernel" >/root/secret; tpm_sealdata -z -p 4 -p 5 -i /root/secret -o /root/sealed && rm /root/secret'
check "its files are kept" keep
check "it unseals" in_guest "$UNSEALS"
check "the guest ends" xl destroy guest
check "its vTPM starts anew" eval 'ends vtpm && start_vtpm'
BY=grub
check "a guest with another kernel boots" boots boot-entry=1 || finish
check "its PCRs are others" has_pcrs changed
check "it has the sealed file" give
check "and cannot open it" is_not in_guest "start_tcsd && $UNSEALS"
check "the guest ends" xl destroy guest
check "with the vTPM of another label a guest does not boot" refuses 'vtpm-label=.*the guest is not started' 'vtpm-label=*:nobody_t'
VTPM=
check "nor without the vTPM that it asks for" refuses 'has no such device' 'vtpm-label=*:nobody_t'
check "which asks for none boots without, and says so" boots || finish
check "that it was not measured" has "$(console guest)" 'not measured'
check "and is the guest" in_guest 'has_no_tpm'
check "the guest ends" xl destroy guest
check "the vTPM ends" ends vtpm
check "the manager ends" ends manager
