# shellcheck shell=bash disable=SC2034
systemd_services
HOSTILE=$OUT/hostile/vtpm-hostile
SOURCES=("$ROOT"/src/Vtpm.{Wire,Transports,Xen} "$ROOT/tests/Vtpm.Xen.Hostile")
if [ ! -x "$HOSTILE" ] || [ -n "$(find "${SOURCES[@]}" -name '*.cs' -not -path '*/obj/*' -newer "$HOSTILE" -print -quit)" ]; then
  need_toolchain
  dotnet publish "$ROOT/tests/Vtpm.Xen.Hostile" -c Release -r "$RID" -o "${HOSTILE%/*}" -warnaserror --nologo -v quiet || fail "dotnet publish"
fi
# A guest whose vTPM device is not its kernel's but the attacker's.
DOMAINS+=(hostile)
domain hostile
modules "$DIR/hostile" xen-evtchn xen-gntalloc
programs "$DIR/hostile" "$HOSTILE"
loaded "$DIR/hostile" libgcc_s.so.1
