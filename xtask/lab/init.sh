#!/bin/sh
# First process of the laboratory's guest. The root is the host's, read-only: everything that may be written to lies in memory, but for
# the shared work folder, which the host names in PLCRUN_LAB.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var
mount -t configfs configfs /sys/kernel/config
mount -t tracefs tracefs /sys/kernel/tracing
mkdir /run/lab /run/bin /run/work /run/host
mount -t hostfs none /run/lab -o "$PLCRUN_LAB"
# The host's processes: the guest ends with the command that started it.
mount -t hostfs none /run/host -o /proc
mount -t tmpfs tmpfs /tmp
cp /run/lab/bin/* /run/bin/
exec /run/bin/xtask gpio-lab-guest /run/lab
