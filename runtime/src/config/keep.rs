//! The sections `store` and `faults` of the map: where what survives is kept, how old it may be, and what a fault asks for.

use super::finding::Code;
use super::model::{AcknowledgePolicy, Map, OnDamage};
use super::validate::Checker;
use crate::clock::{NS_PER_MS, NS_PER_S};
use relay::quantity::Duration;
use std::path::{Path, PathBuf};

/// Default for the most that a power cut may lose: what an operator who watches would not miss.
pub const MAX_AGE_DEFAULT_NS: u64 = NS_PER_S;
/// Least: two commits of a slow card fit into it.
pub const MAX_AGE_MIN_NS: u64 = 100 * NS_PER_MS;
/// Greatest: an hour of counts and recipes is the most anybody would want to enter again.
pub const MAX_AGE_MAX_NS: u64 = 3600 * NS_PER_S;

/// What survives a restart, and where; defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepSettings {
    /// State directory named by the map, relative to the working directory.
    pub path: Option<PathBuf>,
    /// Most that a power cut may lose, in nanoseconds.
    pub max_age_ns: u64,
    /// What a start does with a damaged store.
    pub on_damage: OnDamage,
    /// Whether a start after a fault needs an acknowledgement.
    pub acknowledge: AcknowledgePolicy,
}

impl Default for KeepSettings {
    fn default() -> Self {
        Self {
            path: None,
            max_age_ns: MAX_AGE_DEFAULT_NS,
            on_damage: OnDamage::default(),
            acknowledge: AcknowledgePolicy::default(),
        }
    }
}

impl KeepSettings {
    /// Those of a map as written, whatever else is wrong with it: for a start that looks at the map before the program
    /// is known. `file` is the map's own path.
    #[must_use]
    pub fn of(map: &Map, file: &Path) -> Self {
        let mut settings = Self::default();
        if let Some(store) = map.store.get() {
            let beside = |path: &String| file.parent().unwrap_or(Path::new("")).join(path);
            settings.path = store.path.get().filter(|path| !path.is_empty()).map(beside);
            settings.max_age_ns = store.max_age.get().map_or(MAX_AGE_DEFAULT_NS, |age| age.ns);
            settings.on_damage = store.on_damage.or(OnDamage::default());
        }
        if let Some(faults) = map.faults.get() {
            settings.acknowledge = faults.acknowledge.or(AcknowledgePolicy::default());
        }
        settings
    }
}

/// The settings, with findings about what is outside its range.
pub(super) fn check(checker: &mut Checker<'_>, map: &Map) -> KeepSettings {
    let settings = KeepSettings::of(map, Path::new(checker.file));
    let Some(store) = map.store.get() else { return settings };
    if !(MAX_AGE_MIN_NS..=MAX_AGE_MAX_NS).contains(&settings.max_age_ns) {
        let message = format!("a maximum age of {} is outside 100 ms to 1 h", Duration::from_ns(settings.max_age_ns));
        let place = store.max_age.place().unwrap_or_default();
        checker.add(Code::StoreRange, place, message, "1 s suits a solid-state disk, 1 min an SD card");
    }
    if store.path.get().is_some_and(String::is_empty) {
        let place = store.path.place().unwrap_or_default();
        checker.add(Code::StoreRange, place, "an empty path", "name a directory, or leave the key out");
    }
    settings
}
