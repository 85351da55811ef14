# Becomes systemd in the scratch root $1. Process 1 of namespaces of its own: processes, mounts, control groups, network.
mount -t sysfs -o ro sysfs root/sys
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs -o mode=755 tmpfs root/dev
for device in null zero full random urandom tty cpu_dma_latency; do
    if [ -e "/dev/$device" ]; then cp -a "/dev/$device" root/dev/; fi
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
mount -t tmpfs -o mode=755 tmpfs root/sys/fs/cgroup
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
# A system with an identity of its own, in which nothing of this machine's services starts.
printf '%032x\n' 1 >root/etc/machine-id
rm -rf root/etc/systemd/system/*.wants
# A package of ours that this machine has installed would be in the way.
chroot root dpkg --purge plcrun >/dev/null 2>&1 || true
shift
mkdir -p root/root/trial
cp "$@" root/root/trial/
exec chroot root /usr/bin/env -i container=plcrun-trial PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=basic.target --log-level=warning --log-target=console --show-status=no
