# For scripts in any domain: waiting, and programs that go on.
# shellcheck shell=sh disable=SC3043

load_modules() {
  local module
  while read -r module; do insmod "/modules/$module.ko" || return 1; done </modules/order
}

# until_true SECONDS COMMAND...
until_true() {
  local left=$(($1 * 4))
  shift
  until "$@"; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 0.25
  done
}

# has FILE PATTERN
has() { grep -a -q -s -- "$2" "$1"; }

# starts NAME TEXT COMMAND...: starts a program that goes on, and waits for a line of its log, /tmp/NAME.
starts() {
  local name=$1 text=$2
  shift 2
  "$@" >/tmp/"$name" 2>&1 &
  echo $! >/run/"$name".pid
  until_true 120 has /tmp/"$name" "$text"
}

# ends NAME: it is stopped, as a service is, and says that all was well.
ends() { kill "$(cat /run/"$1".pid)" && wait "$(cat /run/"$1".pid)"; }

# dies NAME: it is killed.
dies() { kill -9 "$(cat /run/"$1".pid)"; wait "$(cat /run/"$1".pid)"; [ $? = 137 ]; }

# vtpm_pid UUID: the confined process of that vTPM, which vtpm tpmback has started.
vtpm_pid() {
  local process
  for process in /proc/[0-9]*; do
    tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q -- "run --uuid $1 " && echo "${process#/proc/}" && return
  done
  return 1
}

# vtpm_dies UUID: it is killed; the backend starts another.
vtpm_dies() {
  local pid
  pid=$(vtpm_pid "$1") && kill -9 "$pid" && until_true 60 is_another_vtpm "$1" "$pid"
}
is_another_vtpm() { local now; now=$(vtpm_pid "$1") && [ "$now" != "$2" ]; }
