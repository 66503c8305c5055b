# Sourced by bench/xen/run as a scenario's host.sh is: what the domains need for measuring.
# shellcheck shell=bash disable=SC2034

make_measured_guest() {
  domain guest "$SCENARIO/guest.sh"
  modules "$DIR/guest" xen-evtchn xen-gntalloc xen-tpmfront
  # The driver comes when user space has been measured.
  sed -i '/xen-tpmfront/d' "$DIR/guest/modules/order"
  programs "$DIR/guest" "$PROBE"
}

make_measuring_dom0() {
  make_dom0
  programs "$DIR/dom0" "$PROBE" "$(command -v swtpm)"
  cp "$SCENARIO"/{memory,services,domains}.sh "$DIR/dom0/"
  printf 'TRIPS=%s\nLOAD=%s\nROUNDS=%s\n' $SCALE >"$DIR/dom0/scale"
}

# The driver domain and the three domains are those of the tests.
make_other_domains() {
  DOMAINS+=(backend)
  cat "$XEN/scenarios/driver-domain/backend.sh" "$SCENARIO/memory.sh" >"$DIR/backend.sh"
  domain backend "$DIR/backend.sh"
  modules "$DIR/backend" xen-evtchn xen-gntdev
  vtpm_programs "$DIR/backend"
  . "$XEN/scenarios/three-domains/host.sh"
  # The guest here is measured from its start, and quotes nothing.
  rm "$DIR/guest/bin/vtpm"
  after_boot() { rm -f "$DIR/tpm.sock"; }
}
