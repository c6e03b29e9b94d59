//! Names of files with a pattern in their last part, as `file_sd_configs` and `scrape_config_files` have them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use regex::Regex;

/// The files that `pattern` names, sorted. `*` and `?` are patterns in the last part only; a name without them is there whether
/// the file is or not.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn matching(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let escaped = regex::escape(&name).replace(r"\*", "[^/]*").replace(r"\?", "[^/]");
    let regex = Regex::new(&format!("^(?s:{escaped})$")).map_err(io::Error::other)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if regex.is_match(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
