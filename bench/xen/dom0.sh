# The measurements of bench/xen, in dom0. swtpm answers on a socket here, as a vTPM of ours does, so that what emulation makes of everything is seen
# beside it.
# shellcheck shell=sh disable=SC2016,SC2046,SC2086,SC3043
. /scale
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
SOCKET_UUID=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55

figure() { echo "FIGURE $*" >/dev/ttyS1; }

pid() { cat "/run/$1.pid"; }

# cpu PID: nanoseconds of all its threads.
cpu() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }

# here COMMAND..., in_guest COMMAND: what it says is in /tmp/said.
here() { "$@" >/tmp/said; }

# trips NAME WHERE ADDRESS: of single commands, in microseconds.
trips() { "$2" probe trips "$3" "$TRIPS" && figure "$1.trip" $(cat /tmp/said); }

# cpu_of WHERE ADDRESS NAME=PID...: of each of many commands, in microseconds of each process's time.
cpu_of() {
  local where=$1 address=$2 process round
  shift 2
  for round in $(seq "$ROUNDS"); do
    for process; do cpu "${process#*=}" >"/tmp/cpu.${process%=*}" || return 1; done
    "$where" probe load "$address" "$LOAD" || return 1
    for process; do
      echo "$(cat "/tmp/cpu.${process%=*}") $(cpu "${process#*=}") $LOAD" | awk '{ printf "%.3f", ($2 - $1) / 1000 / $3 }' >/tmp/each
      figure "${process%=*}.cpu" $(cat /tmp/each)
    done
  done
}

# in_guest takes one word.
guest() { in_guest "$*"; }

# measured_start NAME READY [LINE]: a guest is made, its start measured, and ended.
measured_start() {
  local name=$1 ready=$2 event value
  shift 2
  {
    printf 'name="%s"\nkernel="/root/vmlinux"\nramdisk="/root/guest.cpio"\nmemory=%s\nvcpus=1\n' "$name" "$GUEST_MEMORY"
    echo "extra=\"console=hvc0 quiet loglevel=3 panic=-1 nokaslr bench.ready=$ready\""
    printf '%s\n' "$@"
  } >"/run/$name.cfg"
  here probe start xl create -q "/run/$name.cfg" || return 1
  while read -r event value; do figure "$name.$event" "$value"; done </tmp/said
  xl destroy "$name"
}

sockets() {
  mkdir -p /data/swtpm
  # It says nothing.
  swtpm socket --tpmstate dir=/data/swtpm --server type=unixio,path=/run/swtpm.sock --ctrl type=unixio,path=/run/swtpm.ctrl \
    --flags not-need-init,startup-clear >/tmp/swtpm 2>&1 &
  echo $! >/run/swtpm.pid
  check "swtpm starts" until_true 60 [ -S /run/swtpm.sock ]
  check "a vTPM starts on a socket" starts socket ready vtpm run --image /data/socket.img --manager "unix:/run/vtpms/$SOCKET_UUID.sock" \
    --listen unix:/run/socket.sock
  check "round trips to swtpm" trips swtpm here unix:/run/swtpm.sock
  check "round trips to the vTPM" trips socket here unix:/run/socket.sock
  check "swtpm's time" cpu_of here unix:/run/swtpm.sock "swtpm=$(pid swtpm)"
  check "the vTPM's time" cpu_of here unix:/run/socket.sock "socket=$(pid socket)"
  figure swtpm.memory $(pss "$(pid swtpm)")
  figure socket.memory $(pss "$(pid socket)")
}

# child_of PID: the process that it has started.
child_of() { grep -l "^PPid:[[:space:]]*$1$" /proc/[0-9]*/status 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | head -n 1; }

# new_uuid ROUND
new_uuid() { echo "00000000-0000-4000-8000-00000000000$1"; }

services() {
  local vtpm round
  # An endorsement key is a search for primes, which under emulation may take longer than the ten seconds that xl waits.
  check "the backend starts" starts tpmback "serves this domain" vtpm tpmback --manager unix:/run/manager/host.sock --images /data/vtpms --without-ek
  check "a guest boots" boot_guest $UUID
  vtpm=$(child_of "$(pid tpmback)")
  check "round trips from its user space" trips front guest xen:
  check "the time of backend and vTPM" cpu_of guest xen: "front-tpmback=$(pid tpmback)" "front-vtpm=$vtpm"
  check "its kernel's driver is loaded" in_guest load_driver
  check "round trips through its kernel" trips kernel guest /dev/tpm0
  check "the time of backend and vTPM" cpu_of guest /dev/tpm0 "kernel-tpmback=$(pid tpmback)" "kernel-vtpm=$vtpm"
  figure tpmback.memory $(pss "$(pid tpmback)")
  figure vtpm.memory $(pss "$vtpm")
  check "the guest ends" xl destroy guest
  for round in $(seq "$ROUNDS"); do
    check "a guest starts without a vTPM" measured_start plain plain
    check "one with a vTPM that has been there before" measured_start known tpm "vtpm=[\"backend=0,uuid=$UUID\"]"
    check "and one with a new vTPM" measured_start new tpm "vtpm=[\"backend=0,uuid=$(new_uuid "$round")\"]"
  done
}

mkdir -p /run/vtpms
mkdir -m 700 /run/manager
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock
check "the manager starts" starts manager 'Waiting for commands' vtpm manager --image /data/manager.img --provision /data/approval.pem \
  --host unix:/run/manager/host.sock --listen unix:/run/vtpms/$SOCKET_UUID.sock tpmdriver=unix:/run/hardware.sock
sockets
services
