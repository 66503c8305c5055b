# For dom0, in the scenario three-domains and in ./run --xen: the manager's domain and the vTPM's, by the configurations of deploy/xen.
# shellcheck shell=sh disable=SC3043
. /settings
BACKEND=domu-vtpm
# The disk of what the guest keeps.
KEPT=/dev/vdc

# start NAME TEXT: a stub domain, until its console has the text.
start() {
  rm -f "$(console "$1")"
  timeout 120 xl create -q "/root/$1.cfg" && until_true 240 has "$(console "$1")" "$2"
}
start_manager() { start vtpmmgr 'Waiting for commands'; }
start_vtpm() { start domu-vtpm 'INFO\[VTPM\]: ready'; }

# refuses NAME TEXT: the domain says so, and is switched off without serving anybody.
refuses() { start "$1" "$2" && until_true 60 is_gone "$1" && has_not "$(console "$1")" 'Waiting for commands'; }

is_gone() { ! xl domid "$1" >/dev/null 2>&1; }
# stops NAME: ends it as the toolstack ends any domain; the domain has switched itself off, and said so.
stops() { xl shutdown "$1" && until_true 60 is_gone "$1" && has "$(console "$1")" 'INFO\[DOMAIN\]: switching off'; }

has_not() { [ -s "$1" ] && ! has "$@"; }

# The hardware TPM is dom0's until the manager has it: what its kernel reads is what others are compared with.
leave_tpm() {
  local device
  cat /sys/class/tpm/tpm0/device/pcrs >/data/hardware.pcrs || return 1
  device=$(readlink -f /sys/class/tpm/tpm0/device)
  echo "${device##*/}" >/sys/bus/pnp/drivers/tpm_tis/unbind && [ -z "$(ls /sys/class/tpm)" ]
}
