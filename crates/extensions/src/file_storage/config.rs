//! The configuration of `file_storage`.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use weir_config::Check;
use weir_core::{Config, Facts};

/// Keeps state in files.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FileStorageConfig {
    /// Where the state of each component has a directory of its own. One process at a time may use it.
    pub directory: PathBuf,
    /// Create the directory if it is not there.
    pub create_directory: bool,
    /// Permissions of directories that are created, in octal.
    pub directory_permissions: String,
    /// Wait so long for another process to let go of the directory, then run without it.
    pub timeout: weir_config::Duration,
    /// Wait for the disk at each save, so that it outlives a power failure.
    pub fsync: bool,
    /// The Collector's; refused with the reason.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    pub(super) compaction: Option<IgnoredAny>,
    /// The Collector's; refused with the reason.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    pub(super) recreate: Option<IgnoredAny>,
}

impl Default for FileStorageConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/weir/file_storage"),
            create_directory: true,
            directory_permissions: "0750".to_owned(),
            timeout: weir_config::Duration(Duration::from_secs(1)),
            fsync: true,
            compaction: None,
            recreate: None,
        }
    }
}

impl FileStorageConfig {
    /// The permissions as a number; `check` has seen that they are one.
    pub(super) fn mode(&self) -> u32 {
        u32::from_str_radix(&self.directory_permissions, 8).unwrap_or(0o750)
    }
}

impl Config for FileStorageConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.directory.as_os_str().is_empty() {
            check.error_with(
                &["directory"],
                "the directory is empty",
                "write a path like `/var/lib/weir/file_storage`",
            );
        }
        let permissions = &self.directory_permissions;
        // Without rights of its own Weir could not use what it creates.
        if !u32::from_str_radix(permissions, 8).is_ok_and(|mode| mode <= 0o777 && mode & 0o700 == 0o700) {
            check.error_with(
                &["directory_permissions"],
                format!("`{permissions}` is not an octal number from 0700 to 0777 that gives its owner every right"),
                "write it like `\"0750\"`",
            );
        }
        if self.compaction.is_some() {
            check.error_with(
                &["compaction"],
                "there is nothing to compact: each save writes its file anew",
                "take the key out",
            );
        }
        if self.recreate.is_some() {
            check.error_with(
                &["recreate"],
                "a damaged file is always set aside, and begun anew",
                "take the key out",
            );
        }
    }

    fn facts(&self) -> Facts {
        Facts { stores: true, ..Facts::default() }
    }
}
