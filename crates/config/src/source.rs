//! Where text came from: sources, their contents, and spans into them.

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Diagnostics;

/// The largest source or `${file:…}` that is read, in bytes: a configuration is written by people, and a device file
/// never ends.
pub(crate) const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// A place that configuration is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a folder: its `*.yaml` and `*.yml`, sorted by name, each merged as if it had been given alone.
    File(PathBuf),
    /// Text that is already here (the built-in default, a test).
    Text {
        /// What messages call it.
        name: String,
        /// The YAML.
        text: String,
    },
}

/// Which source of a [`SourceMap`] a span points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source that holds the bytes.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The span of `range` in `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        Self { source, start: range.start as u32, end: range.end as u32 }
    }

    /// The bytes as a range, to index the source's text with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Every source that took part in a load, by [`SourceId`].
#[derive(Clone, Default)]
pub struct SourceMap {
    sources: Vec<Text>,
}

#[derive(Clone)]
struct Text {
    name: String,
    text: String,
}

/// Names only: the texts may hold secrets.
impl fmt::Debug for SourceMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.sources.iter().map(|source| &source.name)).finish()
    }
}

impl SourceMap {
    /// Adds a source and gives its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.sources.push(Text { name: name.into(), text: text.into() });
        SourceId(self.sources.len() as u32 - 1)
    }

    /// What messages call the source; empty for an id of another map.
    pub fn name(&self, id: SourceId) -> &str {
        self.sources.get(id.0 as usize).map_or("", |source| &source.name)
    }

    /// The whole text of the source; empty for an id of another map.
    pub fn text(&self, id: SourceId) -> &str {
        self.sources.get(id.0 as usize).map_or("", |source| &source.text)
    }

    /// The text under a span; empty when the span is not of this map.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or("")
    }

    /// Line and column of the span's first character, both from 1, the column in characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let text = self.text(span.source);
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Reads a source; what cannot be read is reported. A folder gives one id a file.
    pub(crate) fn read(&mut self, source: &Source, diags: &mut Diagnostics) -> Option<Vec<SourceId>> {
        match source {
            Source::Text { name, text } => {
                if text.len() as u64 > MAX_SOURCE_BYTES {
                    diags.error(None, too_large(name));
                    return None;
                }
                Some(vec![self.add(name, text)])
            }
            Source::File(path) if path.is_dir() => {
                let files = match folder(path) {
                    Ok(files) => files,
                    Err(error) => {
                        diags.error(None, format!("cannot read folder `{}`: {error}", path.display()));
                        return None;
                    }
                };
                if files.is_empty() {
                    let message = format!("folder `{}` holds no `*.yaml` and no `*.yml`", path.display());
                    diags.error(None, message);
                    return None;
                }
                let read: Vec<_> = files.iter().map(|file| self.read_file(file, diags)).collect();
                read.into_iter().collect()
            }
            Source::File(path) => Some(vec![self.read_file(path, diags)?]),
        }
    }

    fn read_file(&mut self, path: &Path, diags: &mut Diagnostics) -> Option<SourceId> {
        let name = path.display().to_string();
        let bytes = match read_bounded(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                diags.error(None, format!("cannot read `{name}`: {error}"));
                return None;
            }
        };
        if bytes.len() as u64 > MAX_SOURCE_BYTES {
            diags.error(None, too_large(&name));
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(self.add(name, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // The lossy text has one replacement character where the bytes stop being UTF-8.
                let id = self.add(name, String::from_utf8_lossy(error.as_bytes()));
                let span = Span::new(id, valid..valid + char::REPLACEMENT_CHARACTER.len_utf8());
                diags
                    .error(span, "this is not UTF-8")
                    .label("no character from here")
                    .help("save the file as UTF-8");
                None
            }
        }
    }
}

/// Reads a file up to one byte more than [`MAX_SOURCE_BYTES`], so that the caller can tell that it is too large.
pub(crate) fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn too_large(name: &str) -> String {
    format!("`{name}` is larger than {} MiB", MAX_SOURCE_BYTES >> 20)
}

/// The YAML files of a folder by name. Links are followed: a mounted ConfigMap is made of them.
fn folder(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let is_yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && !file.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
