# The services of dom0, as systemd starts them from the units that are delivered: the manager, and the backend with a confined process for each
# guest's vTPM. A guest uses its TPM with real tools and is rebooted; its device is taken away and given back; and every process is killed under it and a
# neighbour, also in the middle of commands.
# shellcheck shell=sh disable=SC2016,SC3043
. /systemd.sh
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
OTHER=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55
PLAIN=5d0b9c1a-6b0f-4c52-8f6d-0c4b1d2e3f40
UNSEALS='rm -f /tmp/opened; tpm_unsealdata -z -i /root/sealed -o /tmp/opened; grep -q "^kept by a vTPM$" /tmp/opened'
SELF_TEST=00c10000000a00000050
SUCCESS=00000000
TPM_FAIL=00000009
HAS_ITS_PCRS='[ "$(pcr 10)" = "$(cat /tmp/pcr10)" ]'

# The guest's vTPM stands still, and the guest asks it something.
asks_in_vain() { kill -STOP "$(vtpm_pid $UUID)" && in_guest "ask $SELF_TEST"; }

# is_confined UUID: it has nothing of root's, and can get nothing back.
is_confined() {
  local pid status
  pid=$(vtpm_pid "$1") || return 1
  status=/proc/$pid/status
  cat "$status"
  ls -l "/proc/$pid/fd"
  [ "$(field "$status" Uid)" -ge 2000000000 ] && [ "$(field "$status" Gid)" -ge 2000000000 ] && [ -z "$(field "$status" Groups)" ] \
    && [ "$(field "$status" NoNewPrivs)" = 1 ] && [ "$(field "$status" Seccomp)" = 2 ] && [ "$(field "$status" CapEff)" = 0000000000000000 ] \
    && [ "$(field "$status" CapBnd)" = 0000000000000000 ] && ! ls -l "/proc/$pid/fd" | grep /dev/xen
}
field() { sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "$1"; }

# serves UUID: it has started its TPM.
serves() { vtpm status | tee /tmp/status && has /tmp/status "$1.*: serving"; }

# vtpm_restarts UUID: it is killed, and there again; how long guests' commands wait for it depends on the machine.
vtpm_restarts() { vtpm_dies "$1" && until_true 120 serves "$1"; }

# backend_with ARGUMENTS: what vtpm-tpmback is started with the next time.
backend_with() { sed -i "s/^TPMBACK_ARGUMENTS=.*/TPMBACK_ARGUMENTS=\"$1\"/" /etc/default/vtpm; }

first_boot() {
  check "xl creates a guest with a new vTPM, which has its endorsement key to make" boot_guest $UUID
  check "the guest's driver has /dev/tpm0" in_guest has_tpm
  check "when the TPM has started" until_true 300 serves $UUID
  check "it is a TPM 1.2" in_guest 'grep -q "^1$" /sys/class/tpm/tpm0/tpm_version_major'
  check "sysfs has the PCRs" in_guest 'cat /sys/class/tpm/tpm0/device/pcrs; [ $(grep -c "^PCR-" /sys/class/tpm/tpm0/device/pcrs) = 24 ]'
  check "the vTPM's process is confined" is_confined $UUID
  check "and the hypervisor has told that the guest is a new one" eval '! has /tmp/vtpm-tpmback "the hypervisor does not tell"'
  check "tcsd starts" in_guest start_tcsd
  check "tpm_version succeeds" in_guest tpm_version
  check "with the original's version" has /tmp/said 'Chip Version: *1\.2\.0\.7'
  check "and vendor" has /tmp/said 'TPM Vendor ID: *ETHZ'
  check "sysfs has its endorsement key" in_guest 'grep -q "^Modulus" /sys/class/tpm/tpm0/device/pubek'
  check "the guest takes ownership" in_guest 'tpm_takeownership -y -z'
  check "and seals" in_guest 'echo "kept by a vTPM" >/root/secret; tpm_sealdata -z -p 0 -p 7 -i /root/secret -o /root/sealed && rm /root/secret'
  check "and extends a PCR" extends
  check "its files are kept" keep
}

# A PCR that is the mark of this boot; in /tmp/pcr10 is what it holds then.
extends() { in_guest "stop_tcsd; pcr 10 >/tmp/before; extend 10 $(printf 'a5%.0s' $(seq 20)) && pcr 10 >/tmp/pcr10 && ! cmp /tmp/before /tmp/pcr10"; }

second_boot() {
  check "the guest reboots" reboot_guest
  check "and has its TPM" in_guest has_tpm
  check "with the PCRs of a platform that was reset" in_guest 'pcr 10; [ "$(pcr 10 | tr -d " 0")" = "" ] && [ "$(pcr 23 | tr -d " 0")" = "" ]'
  check "tcsd starts again" in_guest start_tcsd
  check "the guest unseals" in_guest "$UNSEALS"
  check "and extends a PCR again" extends
}

hot_plug() {
  local list=/tmp/list
  xl vtpm-list guest >$list
  cat $list
  check "xl vtpm-list shows the connected device" has $list "^0 *0 *$UUID *0 *4 "
  check "xl vtpm-detach takes it away" xl vtpm-detach guest 0
  check "the guest has it no more" in_guest has_no_tpm
  xl vtpm-list guest >$list 2>/dev/null
  check "nor has the list" [ "$(grep -c $UUID $list)" = 0 ]
  check "xl vtpm-attach gives it back" xl vtpm-attach guest backend=0 uuid=$UUID
  check "the guest has it again" in_guest has_tpm
  check "and its PCRs are those of this boot" in_guest "$HAS_ITS_PCRS"
}

vtpm_killed() {
  check "tcsd keeps the device open" in_guest start_tcsd
  check "the vTPM is killed under the guest, and started again" vtpm_restarts $UUID
  check "the guest's next command works, by the same tcsd" in_guest tpm_version
  check "what was sealed opens" in_guest "$UNSEALS"
  check "the guest's PCRs are those of this boot" in_guest "$HAS_ITS_PCRS"
  check "tcsd stops, having seen nothing of it" in_guest stop_tcsd
  check "the guest asks a vTPM that does not answer" asks_in_vain
  check "which is killed" vtpm_restarts $UUID
  check "the guest is answered TPM_FAIL" in_guest "is_answered $TPM_FAIL"
  check "and then served" in_guest "ask $SELF_TEST; is_answered $SUCCESS"
  check "with its PCRs" in_guest "$HAS_ITS_PCRS"
  check "the new process is confined" is_confined $UUID
}

backend_killed() {
  check "the guest is busy" in_guest 'busy & echo $! >/run/busy.pid; turns 2'
  check "the backend is killed, and started again by systemd" service_dies vtpm-tpmback
  check "the guest goes on" in_guest 'turns 2'
  backend_with --without-ek
  check "the backend is restarted, to make new TPMs without endorsement keys" service restart vtpm-tpmback
  check "the guest goes on after that" in_guest 'turns 2; kill $(cat /run/busy.pid); wait; true'
  check "its PCRs are those of this boot" in_guest "$HAS_ITS_PCRS"
  check "the guest asks again in vain" asks_in_vain
  check "and the backend is killed" service_dies vtpm-tpmback
  check "the guest is answered TPM_FAIL" in_guest "is_answered $TPM_FAIL"
  check "its vTPM is started again" until_true 120 serves $UUID
  check "and then served" in_guest "ask $SELF_TEST; is_answered $SUCCESS"
}

# The toolstack waits until the frontend has closed, and that waits for its answer.
detached_under_a_command() {
  local backend detaching
  backend=/local/domain/0/backend/vtpm/$(xl domid guest)
  backend=$backend/$(xenstore-list "$backend")
  check "the guest asks once more" asks_in_vain
  xl vtpm-detach guest "${backend##*/}" &
  detaching=$!
  check "while its device is taken away" until_true 30 eval "[ \$(xenstore-read $backend/online) = 0 ]"
  kill -CONT "$(vtpm_pid $UUID)"
  check "it is answered all the same" in_guest "is_answered $SUCCESS"
  check "the device goes" wait $detaching
  check "for the guest too" in_guest has_no_tpm
  check "and is attached again" xl vtpm-attach guest backend=0 uuid=$UUID
  check "with the PCRs of this boot" in_guest "has_tpm && $HAS_ITS_PCRS"
}

# Two guests, each with a vTPM of its own: what happens to one is nothing to the other.
neighbours() {
  GUEST=other
  check "a second guest boots with a vTPM of its own" boot_guest $OTHER || return
  check "and has a TPM" in_guest has_tpm
  check "whose process is confined" is_confined $OTHER
  check "as another user than the first one's" [ "$(field "/proc/$(vtpm_pid $OTHER)/status" Uid)" != "$(field "/proc/$(vtpm_pid $UUID)/status" Uid)" ]
  check "the manager is killed, and started again by systemd" service_dies vtpm-manager
  check "tcsd starts in the second guest" in_guest start_tcsd
  check "has its TPM make an endorsement key" in_guest tpm_createek
  check "and takes ownership, which the new manager has to keep" in_guest 'tpm_takeownership -y -z'
  GUEST=guest
  check "the first guest's vTPM stands still under a command" asks_in_vain
  GUEST=other
  check "the second guest is served meanwhile" in_guest tpm_version
  GUEST=guest
  check "the first guest is destroyed" xl destroy guest
  GUEST=other
  check "the second guest has noticed nothing" in_guest tpm_version
  GUEST=guest
  kill -9 "$(vtpm_pid $UUID)"
  check "the first guest boots anew" boot_guest $UUID
  check "with tcsd" in_guest 'has_tpm && start_tcsd'
  check "and unseals" in_guest "$UNSEALS"
  check "the first guest switches itself off" in_guest 'stop_tcsd; (sleep 1; poweroff -f) &'
  check "which ends its vTPM's process" until_true 60 eval "! vtpm_pid $UUID"
  GUEST=other
  check "the second guest has noticed nothing of that" in_guest tpm_version
  restored
  check "the second guest ends" xl destroy other
}

# A guest that was saved goes on, in another domain: what it has booted, nobody knows.
restored() {
  check "the second guest lets go of its TPM" in_guest stop_tcsd
  check "it is saved to a file" timeout 300 xl save other /data/saved
  rm -f "$(console other)"
  check "and restored" timeout 300 xl restore /data/saved
  rm -f /data/saved
  xenstore-read "/local/domain/$(xl domid other)/console/tty" >/run/other.tty
  check "with its TPM, by the driver's next name" in_guest 'until_true 20 [ -e /dev/tpm1 ]'
  check "and no record of its boot, as the log says" has /tmp/vtpm-tpmback 'restored or migrated'
  check "its device is taken away" xl vtpm-detach other 0
  check "and given back" xl vtpm-attach other backend=0 uuid=$OTHER
  check "with PCRs that are still nobody's fresh boot" in_guest 'has_tpm && [ -n "$(pcr 0)" ] && [ "$(pcr 0 | tr -d " 0")" != "" ]'
}

# In a domain that has one vTPM alone there is no backend service: vtpm run has the devices itself. plain TEXT waits for that line.
plain() {
  starts plain "$1" vtpm run --image /data/plain.img --manager unix:/run/vtpm/$PLAIN.sock --uuid $PLAIN --listen xen:
}
alone() {
  GUEST=alone
  check "the backend ends" service stop vtpm-tpmback
  check "without having failed" eval '! service is-failed vtpm-tpmback'
  check "a vTPM by itself is started" plain 'MANUFACTURING A NEW TPM'
  check "a guest boots with it, whether the TPM has its endorsement key yet or not" boot_guest $PLAIN
  check "the vTPM is ready" until_true 300 has /tmp/plain ready
  check "the guest has a TPM" in_guest 'has_tpm && [ -n "$(pcr 0)" ] && [ "$(pcr 0 | tr -d " 0")" = "" ]'
  check "the vTPM is killed" dies plain
  check "and starts again" plain ready
  check "the guest's TPM works on" in_guest "ask $SELF_TEST; is_answered $SUCCESS"
  check "with PCRs that are nobody's fresh boot" in_guest '[ "$(pcr 0 | tr -d " 0")" != "" ]'
  check "the vTPM ends" ends plain
}

check "systemd starts" start_systemd || finish
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock || finish
backend_with ""
check "the backend starts, as a service" service start vtpm-tpmback || finish
check "and before it the manager" [ "$(service is-active vtpm-manager)" = active ] || finish
first_boot
second_boot
hot_plug
vtpm_killed
backend_killed
detached_under_a_command
neighbours
alone
check "the manager ends" service stop vtpm-manager
check "without having failed" eval '! service is-failed vtpm-manager'
