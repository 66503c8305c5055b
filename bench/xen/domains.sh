# The second boot: the original's three domains, each ours with the memory that deploy/xen/*.cfg gives it.
# shellcheck shell=sh disable=SC2046,SC2086,SC3043
. /three-domains.sh

# is_ready: looks as often as it can; each look takes a while under emulation.
is_ready() {
  local end=$(($(now) + 240000))
  until has "$(console domu-vtpm)" 'INFO\[VTPM\]: ready'; do [ "$(now)" -lt $end ] || return 1; done
}
now() { awk '{ printf "%.0f", $1 * 1000 }' /proc/uptime; }

measured_start() {
  local began
  rm -f "$(console domu-vtpm)"
  began=$(now)
  xl create -q /root/domu-vtpm.cfg && is_ready && figure domain.ready $(($(now) - began))
}

# memory_of NAME FIGURE: what it was given, and what it has said of that: at its start, and in its end.
memory_of() {
  local log
  log=$(console "$1")
  figure "$2.given" $(($(cat "/tmp/$1.given") * 1024))
  figure "$2.first" $(sed -n 's/.*INFO\[DOMAIN\]: \([0-9]*\) of [0-9]* KiB of memory are left.*/\1/p' "$log")
  figure "$2.last" $(sed -n 's/.*INFO\[DOMAIN\]: \([0-9]*\) KiB of memory were left; .*/\1/p' "$log")
  figure "$2.program" $(sed -n 's/.*the program had \([0-9]*\) KiB at most.*/\1/p' "$log")
}
# given NAME: in MB, as xl list has it while it runs.
given() { xl list "$1" | awk 'NR == 2 { print $3 }' >"/tmp/$1.given"; }

three_domains() {
  local round
  check "dom0's kernel leaves the TPM to the manager" leave_tpm || return
  check "the manager's domain starts, with the TPM's registers" start_manager || return
  check "a vTPM's domain starts, and makes a TPM" start_vtpm || return
  for round in $(seq "$ROUNDS"); do
    check "it stops" stops domu-vtpm || return
    check "and starts with the TPM that has been there before" measured_start || return
  done
  check "a guest boots" boot_guest "$UUID" || return
  check "round trips from its user space" trips domain guest xen:
  check "the time of the vTPM's domain" cpu_of guest xen: domain_cpu domain=domu-vtpm
  check "its kernel's driver is loaded" in_guest load_driver
  check "round trips through its kernel" trips domain-kernel guest /dev/tpm0
  check "the time of the vTPM's domain" cpu_of guest /dev/tpm0 domain_cpu domain-kernel=domu-vtpm
  check "what the domains were given" eval 'given domu-vtpm && given vtpmmgr'
  check "the guest ends" xl destroy guest
  check "the vTPM's domain ends" stops domu-vtpm
  check "and the manager's" stops vtpmmgr
  memory_of domu-vtpm vtpm-domain
  memory_of vtpmmgr manager-domain
}
three_domains
