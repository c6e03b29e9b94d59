//! The keys of the `file` exporter: the Collector's.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

/// Configuration of the exporter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Config {
    /// The file to write; its folder must be there.
    pub path: PathBuf,
    /// Whether to write behind what the file holds already. Without it the file is emptied at the start; with `rotation` it never is.
    #[serde(default)]
    pub append: bool,
    /// When to begin a new file; left out: never.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// How points are written: `json` alone, a line of OTLP/JSON a batch.
    #[serde(default)]
    pub format: Format,
}

/// When to begin a new file, and which old ones to keep. An old file has the time of its end in its name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Rotation {
    /// Begin a new file before this one grows beyond so many megabytes (of 1,000,000 bytes).
    pub max_megabytes: u64,
    /// Remove old files after so many days; 0 keeps them.
    pub max_days: u64,
    /// Keep so many old files; 0 keeps all.
    pub max_backups: usize,
    /// Names are in UTC; `true` is refused.
    pub localtime: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_megabytes: 100, max_days: 0, max_backups: 100, localtime: false }
    }
}

/// How points are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OTLP/JSON.
    #[default]
    Json,
    /// OTLP's protobuf: refused.
    Proto,
}

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        if self.path.as_os_str().is_empty() {
            check.error_with(
                &["path"],
                "no path",
                "write a file's path, such as /var/lib/weir/metrics.jsonl",
            );
        }
        if self.format == Format::Proto {
            check.error_with(
                &["format"],
                "`proto` is not written",
                "leave it out: a line of JSON a batch is",
            );
        }
        if let Some(rotation) = &self.rotation {
            if rotation.max_megabytes == 0 {
                check.error(&["rotation", "max_megabytes"], "0 would begin a new file for every batch");
            }
            if rotation.localtime {
                check.error_with(
                    &["rotation", "localtime"],
                    "names in local time are not supported",
                    "leave it out: names are in UTC, and sort by time",
                );
            }
        }
    }
}
