# shellcheck shell=bash
systemd_services
# What xl saves and restores a guest with, which it looks for where Debian has it.
mkdir -p "$DIR/dom0${TOOLS#"$CACHE"}"
programs "$DIR/dom0" "$TOOLS/libxl-save-helper"
ln -s /bin/libxl-save-helper "$DIR/dom0${TOOLS#"$CACHE"}/libxl-save-helper"
