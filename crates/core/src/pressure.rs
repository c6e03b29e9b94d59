//! Memory pressure: what receivers ask before they take more in.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
};

/// How short memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Enough.
    #[default]
    Normal,
    /// Above the soft limit: receivers refuse what can come again.
    High,
}

/// The signal that receivers ask and the engine's watch sets.
#[derive(Clone, Debug, Default)]
pub struct Pressure(Arc<State>);

#[derive(Debug, Default)]
struct State {
    level: AtomicU8,
    used: AtomicU64,
    limit: AtomicU64,
}

impl Pressure {
    /// Whether a receiver should refuse more for now, in a way that lets the sender try again.
    pub fn is_high(&self) -> bool {
        self.0.level.load(Relaxed) == Level::High as u8
    }

    /// Bytes in use and the limit as last measured; a limit of zero means that there is none.
    pub fn figures(&self) -> (u64, u64) {
        (self.0.used.load(Relaxed), self.0.limit.load(Relaxed))
    }

    /// Takes a measurement in. High from 85 % of the limit on, normal again below 80 %: between the two it stays what it was.
    pub fn set(&self, used: u64, limit: u64) {
        self.0.used.store(used, Relaxed);
        self.0.limit.store(limit, Relaxed);
        if limit == 0 {
            self.0.level.store(Level::Normal as u8, Relaxed);
            return;
        }
        let per_mille = u128::from(used) * 1000 / u128::from(limit);
        if per_mille >= 850 {
            self.0.level.store(Level::High as u8, Relaxed);
        } else if per_mille < 800 {
            self.0.level.store(Level::Normal as u8, Relaxed);
        }
    }
}

/// Measures this process against `limit`, or against its cgroup's limit where none is given.
///
/// With a cgroup (v2) limit, used is the cgroup's working set (`memory.current` less inactive file cache, as the kubelet
/// counts it); otherwise the resident set size. Answers `(used, limit)` in bytes; a limit of zero where there is none.
pub fn measure(limit: Option<u64>) -> (u64, u64) {
    let own = limit.unwrap_or(0);
    match own_cgroup().as_deref().and_then(|path| cgroup(path, own)) {
        Some(measured) => measured,
        None => (resident_bytes(), own),
    }
}

fn own_cgroup() -> Option<String> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = membership.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(format!("/sys/fs/cgroup{path}"))
}

fn cgroup(folder: &str, own: u64) -> Option<(u64, u64)> {
    let folder = Path::new(folder);
    let max: u64 = fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok()?;
    let current: u64 = fs::read_to_string(folder.join("memory.current")).ok()?.trim().parse().ok()?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let inactive = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
    let used = current.saturating_sub(inactive.unwrap_or(0));
    Some((used, if own == 0 { max } else { own.min(max) }))
}

/// The resident set size of this process in bytes; zero where `/proc` does not tell.
pub fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.as_deref().and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_has_hysteresis() {
        let pressure = Pressure::default();
        for (used, high) in [(0, false), (849, false), (850, true), (820, true), (799, false), (820, false)] {
            pressure.set(used, 1000);
            assert_eq!(pressure.is_high(), high, "at {used}");
        }
        pressure.set(u64::MAX, 0);
        assert!(!pressure.is_high(), "without a limit there is no pressure");
    }

    #[test]
    fn this_process_takes_some_memory() {
        assert!(resident_bytes() > 100_000);
        let (used, limit) = measure(Some(1 << 40));
        assert!(used > 0 && limit > 0);
    }
}
