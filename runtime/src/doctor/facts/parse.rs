//! The kernel's text forms: limits, lists of CPUs, mounts, status of a process.

use super::{StorageKind, User};

/// A limit of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    Unlimited,
    /// So much.
    At(u64),
}

impl Limit {
    /// Is so much allowed?
    #[must_use]
    pub const fn allows(self, wanted: u64) -> bool {
        match self {
            Self::Unlimited => true,
            Self::At(most) => most >= wanted,
        }
    }
}

/// A set of CPUs, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpus(Vec<u16>);

impl Cpus {
    /// Reads `0-3,8`. What is no number is left out; numbers beyond 4095 do not exist on Linux.
    #[must_use]
    pub fn read(text: &str) -> Self {
        const CPUS_MAX: u16 = 4096;
        let mut cpus = Vec::new();
        for part in text.trim().split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
                cpus.extend(first..=last.min(CPUS_MAX));
            }
        }
        cpus.sort_unstable();
        cpus.dedup();
        Self(cpus)
    }

    /// Is it in the set?
    #[must_use]
    pub fn contains(&self, cpu: u16) -> bool {
        self.0.contains(&cpu)
    }

    /// No CPU at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().copied()
    }
}

impl std::fmt::Display for Cpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join(", "))
    }
}

/// `NAME=VALUE` separated by zero bytes.
pub(super) fn environment(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('\0').filter_map(|pair| pair.trim_end_matches('\n').split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A row of /proc/self/limits: name, soft limit, hard limit, unit. The soft limit counts: it is what holds for a started process.
pub(super) fn limit(text: &str, name: &str) -> Limit {
    let row = text.lines().find_map(|line| line.strip_prefix(name));
    match row.and_then(|rest| rest.split_whitespace().next()) {
        Some("unlimited") => Limit::Unlimited,
        Some(number) => Limit::At(number.parse().unwrap_or(0)),
        None => Limit::At(0),
    }
}

/// /proc/self/status.
pub(super) fn user(text: &str) -> User {
    let row = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let numbers = |name: &str| -> Vec<u32> {
        row(name).unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect()
    };
    // Real, effective, saved, file system: the second counts.
    let mut groups = numbers("Groups:");
    groups.extend(numbers("Gid:").get(1).copied());
    User {
        uid: numbers("Uid:").get(1).copied().unwrap_or(u32::MAX),
        groups,
        capabilities: row("CapEff:").and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0),
    }
}

/// /proc/swaps below its heading.
pub(super) fn swaps(text: &str) -> Vec<String> {
    let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Name of a group in /etc/group.
pub(super) fn group_name(text: &str, gid: u32) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

/// The mount a path stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) file_system: String,
    pub(super) source: String,
    pub(super) read_only: bool,
}

/// Finds the mount of a path in /proc/self/mountinfo: the longest mount point above it, the last one where several are
/// stacked on one point.
pub(super) fn mount_of(text: &str, path: &str) -> Mount {
    let mut best: Option<(usize, Mount)> = None;
    for line in text.lines() {
        // id parent major:minor root MOUNT-POINT OPTIONS [tags...] - TYPE SOURCE SUPER-OPTIONS
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let before: Vec<&str> = before.split(' ').collect();
        let after: Vec<&str> = after.split(' ').collect();
        let (Some(point), Some(options)) = (before.get(4), before.get(5)) else { continue };
        let (Some(file_system), Some(source)) = (after.first(), after.get(1)) else { continue };
        let point = point.replace("\\040", " ");
        let above =
            path == point || point == "/" || path.strip_prefix(&point).is_some_and(|rest| rest.starts_with('/'));
        if !above || best.as_ref().is_some_and(|(length, _)| *length > point.len()) {
            continue;
        }
        let read_only = [options, after.get(2).unwrap_or(&"")].iter().any(|list| list.split(',').any(|o| o == "ro"));
        let mount = Mount { file_system: (*file_system).to_owned(), source: (*source).to_owned(), read_only };
        best = Some((point.len(), mount));
    }
    best.map(|(_, mount)| mount).unwrap_or_default()
}

/// What a type of file system means for what is kept on it.
pub(super) fn storage_kind(file_system: &str, sd_card: bool) -> StorageKind {
    match file_system {
        "tmpfs" | "ramfs" | "rootfs" | "devtmpfs" => StorageKind::Memory,
        "overlay" | "aufs" => StorageKind::Overlay,
        "vfat" | "msdos" | "exfat" => StorageKind::Fat,
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "virtiofs" | "ceph" | "afs" | "fuse.sshfs" => StorageKind::Network,
        _ if sd_card => StorageKind::SdCard,
        _ => StorageKind::Durable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(Cpus::read("0-3,8\n").to_string(), "0, 1, 2, 3, 8");
        assert!(Cpus::read("").is_empty());
        assert!(Cpus::read("x,3-1").is_empty());
        assert!(Cpus::read("0-65535").iter().count() <= 4097);
    }

    #[test]
    fn limits_are_read_and_a_missing_row_allows_nothing() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max locked memory         8388608              8388608              bytes\n\
                    Max realtime priority     unlimited            unlimited\n";
        assert_eq!(limit(text, "Max locked memory"), Limit::At(8_388_608));
        assert_eq!(limit(text, "Max realtime priority"), Limit::Unlimited);
        assert_eq!(limit("", "Max locked memory"), Limit::At(0));
        assert!(Limit::At(60).allows(60) && !Limit::At(59).allows(60));
    }

    #[test]
    fn the_nearest_mount_counts_and_a_name_that_only_begins_alike_does_not() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    2 1 0:5 / /var/lib rw,nosuid - tmpfs tmpfs rw\n\
                    3 1 8:2 / /var/lib/plc ro - ext4 /dev/sdb1 rw\n";
        assert_eq!(mount_of(text, "/var/lib/plcrun").file_system, "tmpfs");
        assert!(mount_of(text, "/var/lib/plc/x").read_only);
        assert_eq!(mount_of(text, "/home").source, "/dev/sda1");
        assert_eq!(mount_of("", "/home"), Mount::default());
    }

    #[test]
    fn the_user_is_the_effective_one() {
        let user =
            user("Uid:\t1000\t990\t990\t990\nGid:\t1000\t991\t991\t991\nGroups:\t20 997\nCapEff:\t0000000000800000\n");
        assert_eq!((user.uid, user.groups.clone()), (990, vec![20, 997, 991]));
        assert!(user.may_set_priority() && !user.may_lock_memory());
        assert_eq!(group_name("root:x:0:\ngpio:x:997:pi\n", 997).as_deref(), Some("gpio"));
    }
}
