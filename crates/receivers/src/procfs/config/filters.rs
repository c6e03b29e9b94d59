//! Lists of names and patterns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use crate::procfs::filter::{Names, expression};

/// How names are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchType {
    /// The whole name, letter by letter.
    #[default]
    Strict,
    /// Regular expressions that match anywhere in a name; `^` and `$` bind them to its ends.
    Regexp,
    /// The whole name, where `*` is any text, `?` any one byte, `[a-c]` one of some and `[!a]` one of others.
    Glob,
}

/// Devices by name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DeviceFilter {
    /// Names or patterns; an empty list says nothing.
    pub devices: Vec<String>,
    /// `strict` for names, `regexp` or `glob` for patterns.
    pub match_type: MatchType,
}

/// Network interfaces by name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct InterfaceFilter {
    /// Names or patterns; an empty list says nothing.
    pub interfaces: Vec<String>,
    /// `strict` for names, `regexp` or `glob` for patterns.
    pub match_type: MatchType,
}

/// Processes by the name of their executable, of which the kernel keeps 15 bytes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessFilter {
    /// Names or patterns; an empty list says nothing.
    pub names: Vec<String>,
    /// `strict` for names, `regexp` or `glob` for patterns.
    pub match_type: MatchType,
}

/// Filesystems by type.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FsTypeFilter {
    /// Types, such as `ext4`, or patterns; an empty list says nothing.
    pub fs_types: Vec<String>,
    /// `strict` for names, `regexp` or `glob` for patterns.
    pub match_type: MatchType,
}

/// Filesystems by mount point.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct MountPointFilter {
    /// Paths as the machine has them, without `root_path`, or patterns; an empty list says nothing.
    pub mount_points: Vec<String>,
    /// `strict` for names, `regexp` or `glob` for patterns.
    pub match_type: MatchType,
}

impl DeviceFilter {
    pub(in crate::procfs) fn names(&self) -> Names<'_> {
        (&self.devices, self.match_type)
    }
}

impl InterfaceFilter {
    pub(in crate::procfs) fn names(&self) -> Names<'_> {
        (&self.interfaces, self.match_type)
    }
}

impl ProcessFilter {
    pub(in crate::procfs) fn names(&self) -> Names<'_> {
        (&self.names, self.match_type)
    }
}

impl FsTypeFilter {
    pub(in crate::procfs) fn names(&self) -> Names<'_> {
        (&self.fs_types, self.match_type)
    }
}

impl MountPointFilter {
    pub(in crate::procfs) fn names(&self) -> Names<'_> {
        (&self.mount_points, self.match_type)
    }
}

/// Reports each pattern at `path` that is none.
pub(super) fn check_patterns(check: &mut Check<'_>, path: &[&str], (names, match_type): Names<'_>) {
    if match_type == MatchType::Strict {
        return;
    }
    for (at, pattern) in names.iter().enumerate() {
        if let Err(error) = regex::bytes::Regex::new(&expression(pattern, match_type)) {
            // The error is a drawing of several lines; the last says what is wrong.
            let drawing = error.to_string();
            let last = drawing.lines().last().unwrap_or_default();
            let reason = last.strip_prefix("error: ").unwrap_or(last);
            let at = at.to_string();
            let place: Vec<&str> = path.iter().copied().chain([&*at]).collect();
            let kind = if match_type == MatchType::Glob { "glob" } else { "regular expression" };
            check.error(&place, format!("`{pattern}` is no {kind}: {reason}"));
        }
    }
}
