# The measurements of bench/xen, in dom0: in the first boot services, in dom0 and in a driver domain, in the second the three domains. swtpm answers
# on a socket here, as a vTPM of ours does, so that what emulation makes of everything is seen beside it.
# shellcheck shell=sh disable=SC2016,SC2046,SC2086,SC3043
. /scale
. /memory.sh

figure() { echo "FIGURE $*" >/dev/ttyS1; }

# cpu PID: nanoseconds of all its threads. domain_cpu NAME: of a whole domain, as Xen counts them.
cpu() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'; }
domain_cpu() { probe time "$(xl domid "$1")"; }

# here COMMAND..., guest COMMAND...: what it says is in /tmp/said.
here() { "$@" >/tmp/said; }
guest() { in_guest "$*"; }

# trips NAME WHERE ADDRESS: of single commands, in microseconds.
trips() { "$2" probe trips "$3" "$TRIPS" && figure "$1.trip" $(cat /tmp/said); }

# cpu_of WHERE ADDRESS CLOCK NAME=OF...: of each of many commands, in microseconds of time that the clock shows of each. A few commands before tell what
# the making of a connection takes, which is no command's.
cpu_of() {
  local where=$1 address=$2 clock=$3 few=$((LOAD / 10)) one name round
  shift 3
  for round in $(seq "$ROUNDS"); do
    clocks begin "$@" || return 1
    "$where" probe load "$address" $few && clocks few "$@" || return 1
    "$where" probe load "$address" $((few + LOAD)) && clocks many "$@" || return 1
    for one; do
      name=${one%%=*}
      echo "$(cat "/tmp/begin.$name") $(cat "/tmp/few.$name") $(cat "/tmp/many.$name") $LOAD" \
        | awk '{ printf "%.3f", (($3 - $2) - ($2 - $1)) / 1000 / $4 }' >/tmp/each
      figure "$name.cpu" $(cat /tmp/each)
    done
  done
}
# clocks WHEN NAME=OF...: what the clock shows now.
clocks() {
  local when=$1
  shift
  for one; do "$clock" "${one#*=}" >"/tmp/$when.${one%%=*}" || return 1; done
}

case $BOOT in
  1) . /services.sh;;
  2) . /domains.sh;;
esac
