# The original's three domains: the manager's has the hardware TPM's registers, a vTPM's has the guest's device, and dom0 has nothing of ours. The
# machine is switched off in between; what the guest has sealed outlives that.
# shellcheck shell=sh disable=SC3043
. /three-domains.sh
UNSEALS='rm -f /tmp/opened; tpm_unsealdata -z -i /root/sealed -o /tmp/opened; grep -q "^kept by a vTPM$" /tmp/opened'

# A guest's PCR that hwinitpcr names, and one that it does not.
same_pcr() { in_guest "cat /sys/class/tpm/tpm0/device/pcrs" && [ "$(grep "^PCR-$1" /tmp/said)" = "$(grep "^PCR-$1" /data/hardware.pcrs)" ]; }
differs() { ! grep -qF "$(grep "^PCR-$1" /data/hardware.pcrs)" /tmp/said; }

# While its kernel unpacked the image, a domain had 10 MB less than what it says is left: with nothing over, it starts on most days.
has_spare() { [ "$(sed -n 's/.*DOMAIN\]: \([0-9]*\) of [0-9]* KiB.*/\1/p' "$(console "$1")")" -ge 14000 ]; }

# from_guest FILE: into /data.
from_guest() { in_guest "base64 /root/$1" && base64 -d </tmp/said >"/data/$1"; }

first_boot() {
  check "dom0's kernel leaves the TPM to the manager" leave_tpm || return
  check "the manager's domain starts, with the TPM's registers" start_manager || return
  check "it has an owner's rights of the TPM, and is provisioned" has "$(console vtpmmgr)" provisioned
  check "the vTPM's domain starts, and makes a TPM" start domu-vtpm 'MANUFACTURING A NEW TPM' || return
  check "the guest boots, whether the TPM has its endorsement key yet or not" boot_guest "$UUID" || return
  check "the vTPM is ready" until_true 240 has "$(console domu-vtpm)" 'INFO\[VTPM\]: ready'
  check "and neither of the domains is short of memory" eval 'has_spare vtpmmgr && has_spare domu-vtpm'
  check "its driver has /dev/tpm0" in_guest has_tpm
  check "with the hardware's PCR 0" same_pcr 00
  check "and PCR 7" same_pcr 07
  check "and its own PCR 10, which hwinitpcr does not name" differs 10
  check "tcsd starts" in_guest start_tcsd
  check "the guest takes ownership" in_guest 'tpm_takeownership -y -z'
  check "and seals" in_guest 'echo "kept by a vTPM" >/root/secret; tpm_sealdata -z -p 0 -p 7 -i /root/secret -o /root/sealed && rm /root/secret'
  check "tcsd stops" in_guest stop_tcsd
  check "its vTPM is an administrator, and tells the group's key" in_guest 'vtpm manage --tpm /dev/tpm0 show 0 --aik /root/aik.pub'
  check "the guest asks for a deep quote" in_guest "vtpm quote --nonce $NONCE --out /root/evidence.json"
  check "and sends it" from_guest evidence.json
  check "with the key" from_guest aik.pub
  check "its files are kept" keep
  check "the guest ends" xl destroy guest
  check "the vTPM's domain is destroyed" xl destroy domu-vtpm
  check "and created again, under the same manager" start_vtpm
  check "with its state" has_not "$(console domu-vtpm)" 'MANUFACTURING'
  check "the guest boots again" boot_guest "$UUID"
  check "and unseals" in_guest "has_tpm && start_tcsd && $UNSEALS"
  check "the guest ends again" xl destroy guest
  check "the vTPM's domain stops when it is told to" stops domu-vtpm
  check "and the manager's" stops vtpmmgr
  save_to $KEPT hardware.pcrs evidence.json aik.pub guest.cpio
}

second_boot() {
  load_from $KEPT
  cat /dev/vda >/data/older
  echo 3 >/proc/sys/vm/drop_caches
  check "after the power was off, dom0 leaves the TPM alone" leave_tpm || return
  check "the manager opens its sealed image" start_manager || return
  check "with the vTPM in it" has "$(console vtpmmgr)" 'opened: 1 groups, 1 vTPMs'
  check "the vTPM starts on its image" start_vtpm || return
  check "the guest boots" boot_guest "$UUID"
  check "and unseals what it has sealed before" in_guest "has_tpm && start_tcsd && $UNSEALS"
  check "the guest is ended" xl destroy guest
  check "and booted again, while its vTPM's domain goes on" boot_guest "$UUID"
  check "which is another boot for the vTPM" has "$(console domu-vtpm)" 'the TPM starts as for another boot'
  check "it has the hardware's PCR 4 again" eval 'in_guest has_tpm && same_pcr 04'
  check "and unseals" in_guest "start_tcsd && $UNSEALS"
  check "the guest ends" xl destroy guest
  check "the vTPM's domain ends" stops domu-vtpm
  check "and the manager's" stops vtpmmgr
  check "what the manager's disk held before is put back" eval 'cat /data/older >/dev/vda && sync'
  check "and refused" refuses vtpmmgr 'accept-restored'
  sed -e '/^vtpm=/d' -e 's/^name=.*/name="lonely"/' /root/domu-vtpm.cfg >/root/lonely.cfg
  check "a vTPM's domain without a manager says so, and is switched off" refuses lonely 'vtpm-stubdom ended with 4'
}

case $BOOT in
  1) first_boot;;
  2) second_boot;;
esac
# What was given, and what was used.
grep -h 'KiB' "$(console vtpmmgr)" "$(console domu-vtpm)"
