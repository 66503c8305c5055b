# dom0 has systemd, and our units as they are delivered.
# shellcheck shell=bash
[ -x /lib/systemd/systemd ] || need_package systemd
programs "$DIR/dom0" /lib/systemd/systemd "$(command -v systemctl)"
cp "$XEN/lib/systemd.sh" "$DIR/dom0/"
mkdir -p "$DIR/dom0/etc/systemd/system" "$DIR/dom0/etc/default" "$DIR/dom0/usr/sbin" "$DIR/dom0/var/tmp"
ln -s ../../bin/vtpm "$DIR/dom0/usr/sbin/vtpm"
ln -s ../run "$DIR/dom0/var/run"
printf 'root:x:0:0::/root:/bin/sh\n' >"$DIR/dom0/etc/passwd"
printf 'root:x:0:\n' >"$DIR/dom0/etc/group"
printf '[Unit]\nDefaultDependencies=no\n' >"$DIR/dom0/etc/systemd/system/services.target"
cp "$SCENARIO/vtpm.default" "$DIR/dom0/etc/default/vtpm"
# There is no journal here, and nothing that units by default come after.
for unit in "$ROOT"/deploy/systemd/*.service; do
  name=${unit##*/}
  cp "$unit" "$DIR/dom0/etc/systemd/system/"
  mkdir "$DIR/dom0/etc/systemd/system/$name.d"
  printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=append:/tmp/%s\nStandardError=inherit\n' "${name%.service}" \
    >"$DIR/dom0/etc/systemd/system/$name.d/here.conf"
done
