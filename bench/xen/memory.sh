# What a domain says of the memory of its processes.
# shellcheck shell=sh

# pss PID: in KiB, its share of what it has together with others.
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }

# child_of PID: the process that it has started.
child_of() { grep -l "^PPid:[[:space:]]*$1$" /proc/[0-9]*/status 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | head -n 1; }

pid() { cat "/run/$1.pid"; }

# memory BACKEND: of that service and of its one vTPM, and what the whole domain has left.
memory() { echo "tpmback $(pss "$(pid "$1")") vtpm $(pss "$(child_of "$(pid "$1")")") left $(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)"; }
