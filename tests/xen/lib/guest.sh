# What dom0 can call in a guest that has a vTPM (in_guest): an unmodified kernel, its driver, and Debian's TPM tools.
# shellcheck shell=sh disable=SC3043

# Waits until the driver has its device, or has it no more.
has_tpm() { local i; for i in $(seq 100); do [ -e /dev/tpm0 ] && return 0; sleep 0.1; done; return 1; }
has_no_tpm() { local i; for i in $(seq 100); do [ -e /dev/tpm0 ] || return 0; sleep 0.1; done; return 1; }

# TrouSerS's daemon has the device to itself, as Debian's package sets it up.
start_tcsd() {
  local i
  chown -R tss:tss /dev/tpm0 /var/lib/tpm
  chown root:tss /etc/tcsd.conf
  chmod 640 /etc/tcsd.conf
  tcsd -f >/tmp/tcsd.log 2>&1 &
  echo $! >/run/tcsd.pid
  for i in $(seq 200); do
    # It listens on port 30003.
    grep -q ':7533 .* 0A ' /proc/net/tcp && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  cat /tmp/tcsd.log
  return 1
}
stop_tcsd() { kill "$(cat /run/tcsd.pid)" && wait "$(cat /run/tcsd.pid)"; true; }

# Reads PCRs without end; each turn that succeeds shows in a file. turns N waits for so many.
busy() { while true; do cat /sys/class/tpm/tpm0/device/pcrs >/tmp/pcrs 2>&1; grep -q '^PCR-23' /tmp/pcrs && echo turn >>/tmp/turns; done; }
turns() {
  local i
  rm -f /tmp/turns
  for i in $(seq 600); do
    [ -f /tmp/turns ] && [ "$(grep -c turn /tmp/turns)" -ge "$1" ] && return 0
    sleep 0.1
  done
  return 1
}

# What the guest keeps over its reboots, as text: dom0 puts it into the next boot's file system (keep there).
kept() { tar -C / -c var/lib/tpm root | gzip | base64; }
