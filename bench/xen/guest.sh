# What dom0 can call in the guest of bench/xen (in_guest). Its kernel's driver is loaded when it is wanted: before, user space has the device.
# shellcheck shell=sh

load_driver() { insmod /modules/xen-tpmfront.ko; }

# A guest whose start is measured says when it is ready; the kernel's command line says what it has to wait for.
case $(cat /proc/cmdline) in
  *bench.ready=tpm*) load_modules && load_driver && probe ready /dev/tpm0;;
  *bench.ready=plain*) load_modules && probe ready;;
  *) return 0;;
esac
load_modules() { :; }
