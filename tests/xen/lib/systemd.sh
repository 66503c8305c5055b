# For a dom0 whose services are systemd's: the real one, in a PID name space of its own, with units as they are delivered.
# shellcheck shell=sh disable=SC3043

start_systemd() {
  mount -t cgroup2 cgroup /sys/fs/cgroup || return 1
  echo 0123456789abcdef0123456789abcdef >/etc/machine-id
  container=lxc unshare -p -f -m --mount-proc /bin/systemd --system --unit=services.target --log-target=console --log-level=notice \
    --show-status=no >/tmp/systemd 2>&1 &
  until_true 60 service list-units >/dev/null 2>&1
}

export SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0
# service VERB [UNIT...]: systemctl, which has to be where systemd is.
service() { nsenter -t "$(pidof systemd)" -m -p /bin/systemctl --no-pager --no-ask-password "$@" </dev/null; }

# service_pid UNIT: the process, as dom0 numbers it: the one whose parent is systemd and whose cgroup is the unit's.
service_pid() {
  local pid
  while read -r pid; do
    [ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")" != "$(pidof systemd)" ] || { echo "$pid"; return; }
  done <"/sys/fs/cgroup/system.slice/$1.service/cgroup.procs"
  return 1
}

# service_dies UNIT: its process is killed; systemd starts another.
service_dies() {
  local pid
  pid=$(service_pid "$1") && kill -9 "$pid" && until_true 30 another_service "$1" "$pid"
}
another_service() { [ "$(service is-active "$1")" = active ] && [ "$(service_pid "$1")" != "$2" ]; }

tell_more() { service status 'vtpm*'; }
