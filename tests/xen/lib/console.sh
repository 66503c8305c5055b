# The dom0 of ./run --xen: starts the three domains and gives the terminal to the guest. What the guest has kept comes back at the next start.
# shellcheck shell=sh disable=SC3043
. /three-domains.sh
load_from $KEPT 2>/dev/null

start_all() {
  check "the hardware TPM is the manager's" leave_tpm || return
  check "the manager's domain runs (vtpmmgr)" start_manager || return
  check "the vTPM's domain runs (domu-vtpm)" start_vtpm || return
  check "the guest runs, and has /dev/tpm0" eval 'boot_guest "$UUID" && in_guest has_tpm' || return
  check "TrouSerS's daemon runs in it" in_guest start_tcsd
}

welcome() {
  echo "THE GUEST'S CONSOLE"
  xl list
  cat <<'END'

You are root in the guest (Debian's kernel and TPM tools). Its TPM is the vTPM in domu-vtpm; that one's keys are kept by vtpmmgr, which has sealed
them to the hardware TPM: QEMU's registers, with swtpm behind them. dom0 has no part in it.

  tpm_version
  head -8 /sys/class/tpm/tpm0/device/pcrs     PCRs 0 to 7 began with the hardware's values
  tpm_takeownership -y -z                     once
  echo secret >s; tpm_sealdata -z -p 0 -i s -o sealed; tpm_unsealdata -z -i sealed
  stop_tcsd                                   the next two want the TPM for themselves; start_tcsd
  vtpm manage --tpm /dev/tpm0 list            this guest's vTPM may administer the manager
  vtpm quote --nonce random                   what the hardware TPM says of all this, for 'vtpm verify'

exit (or Ctrl-]) switches everything off, in order. What is in /root is there at the next start.

END
}

# drain TTY: reads and forgets what waits there.
drain() { { timeout 1 cat "$1" >/dev/null; } 2>/dev/null; true; }

# The terminal is the guest's until its shell ends, or until whoever sits there wants to leave.
console_of_guest() {
  local log tty number
  log=$(console "$GUEST")
  tty=$(cat "/run/$GUEST.tty")
  NUMBER=$((NUMBER + 1))
  number=$NUMBER
  # What it has said so far has been seen.
  drain "$tty"
  echo "$number shell" >"$tty"
  until_true 20 has "$log" "^@$number>"
  drain "$tty"
  echo >"$tty"
  (until has "$log" "^@$number="; do sleep 0.5; done; kill "$(cat /run/xenconsole.pid)") 2>/dev/null &
  sh -c 'echo $$ >/run/xenconsole.pid; exec xenconsole "$1"' - "$(xl domid "$GUEST")"
  has "$log" "^@$number=" || echo exit >"$tty"
  until_true 20 has "$log" "^@$number="
}

mkdir -p /var/lock
if start_all; then
  welcome
  console_of_guest
  echo
  echo "switching off"
  in_guest stop_tcsd >/dev/null
  check "what is in the guest's /root is kept" keep
  check "the guest is off" xl destroy "$GUEST"
  check "the vTPM's domain is off" stops domu-vtpm
  check "the manager's domain is off" stops vtpmmgr
  save_to $KEPT guest.cpio
fi
