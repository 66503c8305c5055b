# What dom0 calls in the driver domain: the same services as in dom0, started there.
# shellcheck shell=sh
start_hardware() { starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock; }
start_manager() {
  mkdir -p -m 700 /run/vtpm /var/lib/vtpm
  starts manager 'Waiting for commands' vtpm manager --image /var/lib/vtpm/manager.img --provision /data/approval.pem \
    --host unix:/run/vtpm/manager.sock tpmdriver=unix:/run/hardware.sock
}
start_backend() { starts backend "serves this domain's vTPM devices" vtpm tpmback --manager unix:/run/vtpm/manager.sock --without-ek; }
start_backend_again() { start_backend && until_true 60 has /tmp/backend 'taken over from a backend'; }
