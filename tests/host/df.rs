//! `df`: the table of mounts and `statvfs`, as everybody looks at them.

use std::process::Command;

use crate::{
    bracket::{Said, agree},
    weir::{self, Readings, folder, reads},
};

/// What `df` says of each mount point: bytes used and free, inodes used and free, and percents used as it rounds them: up.
fn says() -> Said {
    let columns = "--output=target,used,avail,itotal,iused,iavail,pcent";
    let table = weir::run(Command::new("df").args(["--block-size=1", "--all", columns]).env("LC_ALL", "C"));
    let mut said = Said::default();
    for line in table.lines().skip(1) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [target, used, free, inodes, inodes_used, inodes_free, percent] = words[..] else { continue };
        let mut put = |metric: &str, state: &str, value: &str| {
            if let Ok(value) = value.parse() {
                said.gauges.insert(format!("{metric} {target} {state}"), value);
            }
        };
        put("usage", "used", used);
        put("usage", "free", free);
        if inodes != "0" {
            put("inodes", "used", inodes_used);
            put("inodes", "free", inodes_free);
        }
        if let Some(percent) = percent.strip_suffix('%').and_then(|percent| percent.parse().ok()) {
            said.percents.insert(format!("percent {target}"), percent);
        }
    }
    said
}

/// Weir's readings under the names of [`says`].
fn by_mount_point(readings: &Readings) -> Readings {
    let mut by_mount_point = Readings::new();
    for (name, value) in readings {
        let (metric, attributes) = name.strip_suffix('}').unwrap().split_once('{').unwrap();
        let attribute = |key: &str| attributes.split(',').find_map(|one| one.strip_prefix(key));
        let target = attribute("mountpoint=").unwrap();
        let (name, value) = match metric {
            "system.filesystem.usage" => (format!("usage {target} {}", attribute("state=").unwrap()), *value),
            "system.filesystem.inodes.usage" => {
                (format!("inodes {target} {}", attribute("state=").unwrap()), *value)
            }
            // The quotient of integers may be a hair above what `df` rounds up.
            _ => (format!("percent {target}"), (value * 100.0 - 1e-9).ceil()),
        };
        by_mount_point.insert(name, value);
    }
    by_mount_point
}

#[test]
fn filesystems_are_what_df_shows() {
    let folder = folder("df");
    let keys = "{ scrapers: { filesystem: { include_virtual_filesystems: true, metrics: { system.filesystem.utilization: {enabled: true} } } } }";
    let seen = by_mount_point(&reads(&folder, keys));
    // `df` shows each mount, and those without blocks; Weir each filesystem once. What Weir shows must be right.
    let says = || {
        let mut said = says();
        said.gauges.retain(|name, _| seen.contains_key(name));
        said.percents.retain(|name, _| seen.contains_key(name));
        said
    };
    agree(says, || by_mount_point(&reads(&folder, keys)));
}
