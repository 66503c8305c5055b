# Sourced by bench/xen/run as a scenario's host.sh is: what the domains need for measuring.
# shellcheck shell=bash

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
  printf 'TRIPS=%s\nLOAD=%s\nROUNDS=%s\n' $SCALE >"$DIR/dom0/scale"
}
