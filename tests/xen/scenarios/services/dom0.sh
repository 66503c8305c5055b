# The services of dom0: the stand-in hardware, the manager, and a vTPM for each guest by vtpm run --listen xen:. A guest uses its TPM with real tools; it is
# rebooted, its device is taken away and given back, and its vTPM and the manager are killed under it and a neighbour.
# shellcheck shell=sh disable=SC2016,SC3043
. /systemd.sh
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
OTHER=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55
UNSEALS='rm -f /tmp/opened; tpm_unsealdata -z -i /root/sealed -o /tmp/opened; grep -q "^kept by a vTPM$" /tmp/opened'

# start_vtpm [NAME UUID]: of the guest, or of its neighbour.
start_vtpm() {
  local name=${1:-vtpm} uuid=${2:-$UUID}
  starts "$name" ready vtpm run --image "/data/$name.img" --manager "unix:/run/vtpm/$uuid.sock" --uuid "$uuid" --listen xen: loglevel=debug
}

first_boot() {
  check "xl creates a guest with a vTPM" boot_guest $UUID
  check "the guest's driver has /dev/tpm0" in_guest has_tpm
  check "it is a TPM 1.2" in_guest 'cat /sys/class/tpm/tpm0/tpm_version_major; grep -q "^1$" /sys/class/tpm/tpm0/tpm_version_major'
  check "sysfs has the PCRs" in_guest 'cat /sys/class/tpm/tpm0/device/pcrs; [ $(grep -c "^PCR-" /sys/class/tpm/tpm0/device/pcrs) = 24 ]'
  check "sysfs has the endorsement key" in_guest 'grep -q "^Modulus" /sys/class/tpm/tpm0/device/pubek'
  check "tcsd starts" in_guest start_tcsd
  check "tpm_version succeeds" in_guest tpm_version
  check "with the original's version" has /tmp/said 'Chip Version: *1\.2\.0\.7'
  check "and vendor" has /tmp/said 'TPM Vendor ID: *ETHZ'
  check "the guest takes ownership" in_guest 'tpm_takeownership -y -z'
  check "and seals" in_guest 'echo "kept by a vTPM" >/root/secret; tpm_sealdata -z -p 0 -p 7 -i /root/secret -o /root/sealed && rm /root/secret'
  check "its files are kept" keep
  check "the guest ends" xl destroy guest
  check "and its vTPM" ends vtpm
}

second_boot() {
  check "the vTPM starts on its image" start_vtpm
  check "the guest boots again" boot_guest $UUID
  check "and has its TPM" in_guest has_tpm
  check "tcsd starts again" in_guest start_tcsd
  check "the guest unseals" in_guest "$UNSEALS"
}

hot_plug() {
  local list=/tmp/list
  xl vtpm-list guest >$list
  cat $list
  check "xl vtpm-list shows the connected device" has $list "^0 *0 *$UUID *0 *4 "
  check "tcsd stops" in_guest stop_tcsd
  check "xl vtpm-detach takes it away" xl vtpm-detach guest 0
  check "the guest has it no more" in_guest has_no_tpm
  xl vtpm-list guest >$list 2>/dev/null
  check "nor has the list" [ "$(grep -c $UUID $list)" = 0 ]
  check "xl vtpm-attach gives it back" xl vtpm-attach guest backend=0 uuid=$UUID
  check "the guest has it again" in_guest has_tpm
  check "and its PCRs can be read" in_guest 'grep -q "^PCR-23" /sys/class/tpm/tpm0/device/pcrs'
}

killed() {
  check "tcsd keeps the device open" in_guest start_tcsd
  check "the vTPM is killed under the guest" dies vtpm
  check "and started again" start_vtpm
  check "it takes the device over" until_true 30 has /tmp/vtpm 'taken over'
  check "the guest's next command works, by the same tcsd" in_guest tpm_version
  check "and what was sealed opens" in_guest "$UNSEALS"
  check "tcsd stops, having seen nothing of it" in_guest stop_tcsd
  check "the guest is busy" in_guest 'busy & echo $! >/run/busy.pid'
  check "with the vTPM" in_guest "turns 3"
  check "the vTPM is killed under its commands" dies vtpm
  check "and starts once more" start_vtpm
  check "the busy guest goes on" in_guest "turns 3"
  check "the vTPM is stopped, as a service is" ends vtpm
  check "and started" start_vtpm
  check "the guest goes on" in_guest "turns 3"
  check "its PCRs can be read in the end" in_guest 'kill $(cat /run/busy.pid); wait; grep -q "^PCR-23" /sys/class/tpm/tpm0/device/pcrs'
}

# Two guests, each with a vTPM of its own in this one domain: what happens to one is nothing to the other.
neighbours() {
  GUEST=other
  check "a second vTPM starts" start_vtpm other $OTHER
  check "and leaves the first one's device alone" until_true 30 has /tmp/other 'turned away'
  check "a second guest boots with it" boot_guest $OTHER
  check "and has a TPM" in_guest has_tpm
  check "the manager is killed, and started again by systemd" service_dies vtpm-manager
  check "tcsd starts in the second guest" in_guest start_tcsd
  check "and takes ownership, which the new manager has to keep" in_guest 'tpm_takeownership -y -z'
  GUEST=guest
  check "the first guest is busy" in_guest 'busy & echo $! >/run/busy.pid; turns 2'
  check "its device is taken away between its commands" xl vtpm-detach guest 0
  check "it has no TPM" in_guest has_no_tpm
  check "and gets it back" xl vtpm-attach guest backend=0 uuid=$UUID
  check "and is busy on" in_guest 'turns 2'
  check "its vTPM is killed" dies vtpm
  check "and the guest destroyed before it is there again" xl destroy guest
  GUEST=other
  check "the second guest has noticed nothing" in_guest tpm_version
  check "the first vTPM starts" start_vtpm
  GUEST=guest
  check "and the first guest" boot_guest $UUID
  check "with tcsd" in_guest 'has_tpm && start_tcsd'
  check "and unseals" in_guest "$UNSEALS"
  check "the first guest switches itself off" in_guest 'stop_tcsd; (sleep 1; poweroff -f) &'
  check "which ends its device" until_true 60 has /tmp/vtpm 'detached from Frontend'
  GUEST=other
  check "the second guest has noticed nothing of that" in_guest tpm_version
  check "the second guest ends" xl destroy other
  check "and its vTPM" ends other
}

check "systemd starts" start_systemd || finish
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock
check "the manager starts, as a service" service start vtpm-manager || finish
check "the vTPM starts" start_vtpm || finish
first_boot
second_boot
hot_plug
killed
neighbours
check "the vTPM ends" ends vtpm
check "the manager ends" service stop vtpm-manager
check "without having failed" eval '! service is-failed vtpm-manager'
