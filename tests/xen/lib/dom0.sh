#!/bin/busybox sh
# The first process of dom0. Does the scenario's dom0.sh, writes a line for each check to the second serial port, and switches the machine off.
export PATH=/bin HOME=/root
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs data /data
mkdir -p /run/xen /run/lock /run/xenstored
[ -e /var/run ] || ln -s /run /var/run
. /common.sh
# Which boot of the machine this is, from 1.
BOOT=$(sed 's/.*vtpm\.boot=\([0-9]*\).*/\1/' /proc/cmdline)
# The guest that boot_guest, in_guest and keep are about, and the domain that has its vTPM's backend.
GUEST=guest
BACKEND=0
GUEST_MEMORY=160
FAILED=0
NUMBER=0

# check NAME COMMAND...: whether the command succeeds.
check() {
  local name=$1 result=PASS
  shift
  "$@" || result=FAIL
  echo "$result $name ($(cut -d. -f1 /proc/uptime) s)" >/dev/ttyS1
  echo "$result $name"
  [ $result = PASS ] || { FAILED=1; return 1; }
}

is_not() { ! "$@"; }

start_xen() {
  load_modules && mount -t xenfs xenfs /proc/xen && xenstored --pid-file /run/xenstored.pid && until_true 20 xenstore-read / >/dev/null 2>&1 \
    && xen-init-dom0 && xenconsoled --log=guest --log-dir=/var/log/xen
}

console() { echo "/var/log/xen/guest-$1.log"; }

# create NAME MEMORY RAMDISK [LINE...]: a domain that then does commands. A LINE is one more of its configuration.
create() {
  local name=$1 memory=$2 ramdisk=$3
  shift 3
  {
    printf 'name="%s"\nkernel="/root/vmlinux"\nramdisk="%s"\nmemory=%s\nvcpus=1\n' "$name" "$ramdisk" "$memory"
    echo 'extra="console=hvc0 quiet loglevel=3 panic=-1 nokaslr"'
    [ $# = 0 ] || printf '%s\n' "$@"
  } >"/run/$name.cfg"
  rm -f "$(console "$name")"
  timeout 120 xl create -q "/run/$name.cfg" || return 1
  is_up "$name"
}

# is_up NAME: a domain that xl has made does commands. Before that its terminal may have been a boot loader's.
is_up() {
  # A guest's driver waits for a TPM that makes its endorsement key, and the guest for the driver.
  until_true 240 has "$(console "$1")" 'DOMAIN READY' && xenstore-read "/local/domain/$(xl domid "$1")/console/tty" >"/run/$1.tty"
}

# boot_guest UUID [LINE...]: the present guest, with what it kept of its last boot.
boot_guest() {
  local vtpm="vtpm=[\"backend=$BACKEND,uuid=$1\"]"
  shift
  make_ramdisk
  create "$GUEST" "$GUEST_MEMORY" "/data/$GUEST.ramdisk" "$vtpm" "$@"
}

make_ramdisk() { cat /root/guest.cpio "/data/$GUEST.cpio" >"/data/$GUEST.ramdisk" 2>/dev/null; true; }

# The guest reboots by itself, which for Xen is a new domain.
reboot_guest() {
  local before
  before=$(xl domid "$GUEST") && make_ramdisk && in_guest '(sleep 2; reboot -f) &' && rm "$(console "$GUEST")" \
    && until_true 60 is_another_domain "$before" && is_up "$GUEST"
}
is_another_domain() {
  local now
  now=$(xl domid "$GUEST" 2>/dev/null) && [ "$now" != "$1" ] && xenstore-read "/local/domain/$now/console/tty" >/dev/null 2>&1
}

# in_guest COMMAND: its exit status; what it says is in /tmp/said.
in_guest() {
  local log status
  log=$(console "$GUEST")
  NUMBER=$((NUMBER + 1))
  echo "$NUMBER $1" >"$(cat "/run/$GUEST.tty")"
  if ! until_true 150 has "$log" "^@$NUMBER="; then echo "the guest does not come back from: $1"; return 1; fi
  tr -d '\r' <"$log" | sed -n "/^@$NUMBER>/,/^@$NUMBER=/p" | sed '1d;$d' >/tmp/said
  status=$(tr -d '\r' <"$log" | sed -n "s/^@$NUMBER=//p")
  [ "$status" = 0 ] || { echo "in the guest, $1 ended with $status:"; cat /tmp/said; return 1; }
}

# in_domain NAME COMMAND: the same in another domain.
in_domain() {
  local GUEST=$1
  in_guest "$2"
}

# What the guest is to have again at its next boot.
keep() {
  in_guest kept || return 1
  rm -rf /data/kept && mkdir -p /data/kept && base64 -d </tmp/said | gunzip | tar -C /data/kept -x || return 1
  (cd /data/kept && find . | cpio -o -H newc >"/data/$GUEST.cpio")
}

# give: what the guest kept, by its console, in lines that it takes: for a guest whose boot files must stay as they are.
give() {
  local line
  tar -C /data/kept -c . | gzip | base64 -w 600 >/data/given
  in_guest 'rm -f /tmp/given' || return 1
  while read -r line; do in_guest "echo $line >>/tmp/given" || return 1; done </data/given
  in_guest 'base64 -d </tmp/given | gunzip | tar -C / -x'
}

# has_pcrs NAME: the guest's PCRs 4 and 5 are what the host has worked out (lib/guest-disk.sh).
has_pcrs() {
  in_guest 'has_tpm && cat /sys/class/tpm/tpm0/device/pcrs' || return 1
  grep '^PCR-0[45]' /tmp/said
  [ "$(grep '^PCR-0[45]' /tmp/said | tr -d ' ')" = "$(tr -d ' ' </root/"$1".pcrs)" ]
}

# save_to DISK FILE...: of /data, for the machine's next boot. load_from DISK gives them back.
save_to() {
  local disk=$1
  shift
  tar -C /data -c "$@" >"$disk" && sync
}
load_from() { tar -C /data -x <"$1"; }

# What a scenario has to tell, beside the logs, when a check has failed.
tell_more() { :; }

finish() {
  local log
  if [ $FAILED = 1 ]; then
    xl list
    tell_more
    for log in /tmp/* /var/log/xen/*; do [ -f "$log" ] && echo "--- $log" && tail -n 60 "$log"; done
  fi
  echo "DOM0 DONE" >/dev/ttyS1
  poweroff -f
}

check "Xen's tools start" start_xen || finish
. /scenario
finish
