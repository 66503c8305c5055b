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
stop_tcsd() { [ ! -f /run/tcsd.pid ] || { kill "$(cat /run/tcsd.pid)" && wait "$(cat /run/tcsd.pid)"; rm /run/tcsd.pid; }; true; }

# pcr N: what it holds.
pcr() { sed -n "s/^PCR-$(printf %02d "$1"): *//p" /sys/class/tpm/tpm0/device/pcrs; }

# tpm_command HEX: one command as it is; its response in hex. The device must be free.
tpm_command() {
  (
    exec 3<>/dev/tpm0 || exit 1
    # In one write, with its zero bytes: it is the format.
    # shellcheck disable=SC2059
    printf "$(echo "$1" | sed 's/../\\x&/g')" >&3 && dd bs=4096 count=1 <&3 2>/dev/null | hexdump -v -e '1/1 "%02x"'
  )
}

# extend PCR DIGEST
extend() { [ "$(tpm_command "00c10000002200000014$(printf %08x "$1")$2" | cut -c 13-20)" = 00000000 ]; }

# ask HEX: in the background; the response comes into /tmp/answer. It returns when the command is with the driver.
ask() {
  rm -f /tmp/answer /tmp/answer.new
  { tpm_command "$1" >/tmp/answer.new 2>&1; mv /tmp/answer.new /tmp/answer; } &
  until_true 20 is_asked
}
# A process is in write, to its standard output; or was.
is_asked() { [ -f /tmp/answer ] || grep -q '^1 0x1 ' /proc/[0-9]*/syscall 2>/dev/null; }

# is_answered CODE: what was asked is, with that result.
is_answered() { until_true 60 [ -f /tmp/answer ]; cat /tmp/answer; [ "$(cut -c 13-20 /tmp/answer)" = "$1" ]; }

# Reads PCRs without end; each turn that succeeds shows in /tmp/turns, and each that fails in /tmp/failed; or in /tmp/late, if it was the driver that
# lost its patience of three seconds, which on a machine that is emulated and busy is nobody's fault. turns N waits for so many.
busy() {
  while true; do
    if cat /sys/class/tpm/tpm0/device/pcrs >/tmp/pcrs 2>&1 && grep -q '^PCR-23' /tmp/pcrs; then echo turn >>/tmp/turns; else note_failure; fi
  done
}
note_failure() {
  dmesg -c >/tmp/kernel
  if grep -q 'tpm_try_transmit: send(): error -62' /tmp/kernel; then echo late >>/tmp/late; else cat /tmp/pcrs /tmp/kernel >>/tmp/failed; fi
}
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

# A shell for somebody at the console, until it ends; it knows the functions here.
shell() {
  stty sane </dev/hvc0
  cd /root || return
  HOME=/root ENV=/functions.sh PS1='guest:\w# ' setsid -c sh -i </dev/hvc0 >/dev/hvc0 2>&1
  stty -echo </dev/hvc0
}
