# What dom0 calls in the driver domain: the same services as in dom0, started there.
# shellcheck shell=sh
start_hardware() { starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock; }
start_manager() {
  mkdir -p /run/vtpms
  starts manager 'Waiting for commands' vtpm manager --image /data/manager.img --provision /data/approval.pem \
    --listen "unix:/run/vtpms/$1.sock" tpmdriver=unix:/run/hardware.sock
}
start_vtpm() {
  starts vtpm ready vtpm run --image /data/vtpm.img --manager "unix:/run/vtpms/$1.sock" --uuid "$1" --listen xen: loglevel=debug
}
