# The services in a domain of their own: no vTPM, and none of its keys, is in dom0.
# shellcheck shell=sh disable=SC2016,SC2034
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
BACKEND=backend

# in_backend COMMAND
in_backend() { in_domain backend "$1"; }

tell_more() { in_backend 'tail -n 40 /tmp/*'; cat /tmp/said; }

check "the driver domain boots" create backend 128 /root/backend.cpio driver_domain=1
check "the stand-in hardware starts there" in_backend start_hardware
check "and the manager" in_backend start_manager
check "and the backend" in_backend start_backend
check "a guest boots with a vTPM of it" boot_guest $UUID
check "and has /dev/tpm0" in_guest has_tpm
check "tcsd starts" in_guest start_tcsd
check "tpm_version succeeds" in_guest tpm_version
check "with the original's vendor" has /tmp/said 'TPM Vendor ID: *ETHZ'
check "the guest takes ownership" in_guest 'tpm_createek && tpm_takeownership -y -z'
check "and seals" in_guest 'echo "kept by a vTPM" >/root/secret; tpm_sealdata -z -p 0 -p 7 -i /root/secret -o /root/sealed && rm /root/secret'
check "its files are kept" keep
check "xl vtpm-list names the driver domain" eval 'xl vtpm-list guest | tee /tmp/list; has /tmp/list "^0 *$(xl domid backend) *$UUID "'
check "tcsd stops" in_guest stop_tcsd
check "xl vtpm-detach takes the device away" xl vtpm-detach guest 0
check "the guest has it no more" in_guest has_no_tpm
check "xl vtpm-attach gives it back" xl vtpm-attach guest backend=backend uuid=$UUID
check "the guest has it again" in_guest 'has_tpm && grep -q "^PCR-23" /sys/class/tpm/tpm0/device/pcrs'
check "the vTPM's process is killed, and started again" in_backend "vtpm_dies $UUID"
check "the guest's TPM works on" in_guest 'start_tcsd && tpm_version'
check "the backend is killed" in_backend 'dies backend'
check "and started again, and takes the device over" in_backend start_backend_again
check "the guest's TPM works on after that" in_guest tpm_version
check "the guest ends" xl destroy guest
check "and boots again" boot_guest $UUID
check "with its sealed file, which it opens" in_guest \
  'has_tpm && start_tcsd && tpm_unsealdata -z -i /root/sealed -o /tmp/opened && grep -q "^kept by a vTPM$" /tmp/opened'
