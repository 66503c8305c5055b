# The first boot: services, in dom0 and in a driver domain.
# shellcheck shell=sh disable=SC2016,SC2034,SC2046,SC2086,SC3043
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
SOCKET_UUID=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55
FAR_UUID=9f5b2c1e-7a53-4c0e-8a3c-52d1c0a7e611

# new_uuid ROUND
new_uuid() { echo "00000000-0000-4000-8000-00000000000$1"; }

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
  check "swtpm's time" cpu_of here unix:/run/swtpm.sock cpu "swtpm=$(pid swtpm)"
  check "the vTPM's time" cpu_of here unix:/run/socket.sock cpu "socket=$(pid socket)"
  figure swtpm.memory $(pss "$(pid swtpm)")
  figure socket.memory $(pss "$(pid socket)")
  kill "$(pid swtpm)" "$(pid socket)"
}

# memory_of NAME WHERE BACKEND
memory_of() {
  "$2" memory "$3" || return 1
  figure "$1-tpmback.memory" $(sed 's/.*tpmback \([0-9]*\).*/\1/' /tmp/said)
  figure "$1-vtpm.memory" $(sed 's/.*vtpm \([0-9]*\).*/\1/' /tmp/said)
  figure "$1.left" $(sed 's/.*left \([0-9]*\).*/\1/' /tmp/said)
}

services() {
  local vtpm round
  # An endorsement key is a search for primes, which under emulation may take longer than the ten seconds that xl waits.
  check "the backend starts" starts tpmback "serves this domain" vtpm tpmback --manager unix:/run/manager/host.sock --images /data/vtpms --without-ek
  check "a guest boots" boot_guest $UUID
  vtpm=$(child_of "$(pid tpmback)")
  check "round trips from its user space" trips front guest xen:
  check "the time of backend and vTPM" cpu_of guest xen: cpu "front-tpmback=$(pid tpmback)" "front-vtpm=$vtpm"
  check "its kernel's driver is loaded" in_guest load_driver
  check "round trips through its kernel" trips kernel guest /dev/tpm0
  check "the time of backend and vTPM" cpu_of guest /dev/tpm0 cpu "kernel-tpmback=$(pid tpmback)" "kernel-vtpm=$vtpm"
  check "their memory" memory_of dom0 here tpmback
  check "the guest ends" xl destroy guest
  for round in $(seq "$ROUNDS"); do
    check "a guest starts without a vTPM" measured_start plain plain
    check "one with a vTPM that has been there before" measured_start known tpm "vtpm=[\"backend=0,uuid=$UUID\"]"
    check "and one with a new vTPM" measured_start new tpm "vtpm=[\"backend=0,uuid=$(new_uuid "$round")\"]"
  done
}

# The same services in a domain of their own.
driver_domain() {
  local BACKEND=backend
  check "the driver domain boots" create backend 128 /root/backend.cpio driver_domain=1
  check "its services start" in_backend 'start_hardware && start_manager && start_backend'
  check "a guest boots with a vTPM of it" boot_guest $FAR_UUID
  check "round trips from its user space" trips far guest xen:
  check "the memory of its services" memory_of far in_backend backend
}
in_backend() { in_domain backend "$*"; }

mkdir -p /run/vtpms
mkdir -m 700 /run/manager
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock
check "the manager starts" starts manager 'Waiting for commands' vtpm manager --image /data/manager.img --provision /data/approval.pem \
  --host unix:/run/manager/host.sock --listen unix:/run/vtpms/$SOCKET_UUID.sock tpmdriver=unix:/run/hardware.sock
sockets
services
driver_domain
