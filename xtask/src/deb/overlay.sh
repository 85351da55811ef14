# Makes the scratch root $1/root: everything of this machine's root, with changes kept in memory. Sourced inside a mount
# namespace of its own, so that all of it is gone when the last process of the namespace ends.
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
mount -t proc proc root/proc
