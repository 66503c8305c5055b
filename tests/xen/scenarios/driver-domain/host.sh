# The driver domain: our executable and its state, which is all in its memory.
# shellcheck shell=bash disable=SC2034
DOMAINS+=(backend)
domain backend "$SCENARIO/backend.sh"
modules "$DIR/backend" xen-evtchn xen-gntdev
vtpm_programs "$DIR/backend"
