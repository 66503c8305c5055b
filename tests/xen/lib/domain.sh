#!/bin/busybox sh
# The first process of every domain but dom0: does the commands that dom0 sends to its console (in_guest), and says how each ended.
export PATH=/bin
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
stty -echo
ip link set lo up
. /common.sh
. /functions.sh
load_modules

echo "DOMAIN READY"
while read -r number command; do
  echo "@$number>"
  eval "$command" </dev/null
  status=$?
  echo
  echo "@$number=$status"
done
poweroff -f
