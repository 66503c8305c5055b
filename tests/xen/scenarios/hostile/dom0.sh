# A guest that breaks every rule of its vTPM device, beside one that works with its own: the backend lives, and the other notices nothing.
# shellcheck shell=sh disable=SC2016,SC2034,SC3043
. /systemd.sh
UUID=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
HOSTILE=7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55

boot_hostile() { create hostile 128 /root/hostile.cpio "vtpm=[\"backend=0,uuid=$HOSTILE\"]"; }
in_hostile() { in_domain hostile "$1"; }

# The device that it has now.
device() { xenstore-list "/local/domain/$(xl domid hostile)/device/vtpm"; }

# attack NAME: one after which the backend closes the device; the toolstack gives another.
attack() {
  in_hostile "vtpm-hostile $1 $(device)" || { cat /tmp/said; return 1; }
  xl vtpm-detach hostile "$(device)" && xl vtpm-attach hostile backend=0 uuid=$HOSTILE && in_hostile "vtpm-hostile ask $(device)"
}

# What the guest beside it has seen: turns, none that failed, and hardly one that was late.
has_noticed_nothing() { in_guest 'turns 2 && ! cat /tmp/failed 2>/dev/null && { [ ! -f /tmp/late ] || [ "$(grep -c late /tmp/late)" -le 2 ]; }'; }

check "systemd starts" start_systemd || finish
check "the stand-in hardware starts" starts hardware ready vtpm hardware --state /data/hardware.state --listen unix:/run/hardware.sock || finish
check "the backend starts" service start vtpm-tpmback || finish
BACKEND_PID=$(service_pid vtpm-tpmback)
check "a guest boots with its vTPM" boot_guest $UUID || finish
check "and is busy with it" in_guest 'has_tpm && { busy & } && turns 2' || finish
check "another guest boots" boot_hostile || finish
check "and is honest for once" in_hostile "vtpm-hostile ask" || finish
check "it breaks all rules that cost it nothing" in_hostile "vtpm-hostile all 0 1"
cat /tmp/said
check "the first guest has noticed nothing" has_noticed_nothing
in_hostile "vtpm-hostile list"
for name in $(sed -n 's/^\([^ ]*\) closes .*/\1/p' /tmp/said); do check "it breaks one that costs it its device: $name" attack "$name"; done
check "the first guest has noticed nothing of these" has_noticed_nothing
check "the attacker leaves a request and goes" in_hostile "vtpm-hostile leave $(device)"
check "and comes back" in_hostile "vtpm-hostile ask $(device)"
in_hostile "vtpm-hostile flood $(device) 100 &"
check "it is destroyed in the middle of a flood" xl destroy hostile
check "the first guest has noticed nothing of that" has_noticed_nothing
check "it boots again" boot_hostile
check "and is served like any other" in_hostile "vtpm-hostile ask"
check "the backend is the same as at the beginning" [ "$(service_pid vtpm-tpmback)" = "$BACKEND_PID" ]
