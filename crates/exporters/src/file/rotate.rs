//! A file that lines are written to, and its successors.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_cloudwatch::primitives::{DateTime, DateTimeFormat};
use weir_core::UnixNanos;

use super::config::{Config, Rotation};

/// Bytes of a megabyte, as the Collector's key counts them.
const MEGABYTE: u64 = 1_000_000;

/// The file that is written now.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    rotation: Option<Rotation>,
    file: File,
    bytes: u64,
    /// A write broke off: what stands at the end is no line.
    is_torn: bool,
}

impl Rotating {
    /// Opens the file of `config`.
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let keep = config.append || config.rotation.is_some();
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).append(keep).truncate(!keep).open(&config.path)?;
        let bytes = file.metadata()?.len();
        let (path, rotation) = (config.path.clone(), config.rotation.clone());
        Ok(Self { path, rotation, file, bytes, is_torn: false })
    }

    /// Writes a line, which has no newline yet; where it would not fit, to a new file.
    pub(super) fn write(&mut self, line: String, now: UnixNanos) -> io::Result<()> {
        let mut line = line.into_bytes();
        line.push(b'\n');
        if let Some(rotation) = &self.rotation
            && self.bytes > 0
            && self.bytes + line.len() as u64 > rotation.max_megabytes.saturating_mul(MEGABYTE)
        {
            let rotation = rotation.clone();
            self.rotate(&rotation, now)?;
        }
        if self.is_torn {
            line.insert(0, b'\n');
        }
        // Taken as broken off until it is whole.
        self.is_torn = true;
        self.file.write_all(&line)?;
        self.is_torn = false;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Gives the file a name with the time in it, and begins the next.
    fn rotate(&mut self, rotation: &Rotation, now: UnixNanos) -> io::Result<()> {
        let names = Names::of(&self.path);
        match fs::rename(&self.path, names.free(now)) {
            // Somebody has taken the file away: the next one begins all the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        (self.bytes, self.is_torn) = (0, false);
        remove_old(&names, rotation, now);
        Ok(())
    }
}

/// Removes old files that are too many or too old. One that cannot be removed now is tried again at the next rotation.
fn remove_old(names: &Names, rotation: &Rotation, now: UnixNanos) {
    let mut old = names.stamps();
    old.sort_unstable();
    let surplus = match rotation.max_backups {
        0 => 0,
        most => old.len().saturating_sub(most),
    };
    let oldest = match rotation.max_days {
        0 => String::new(), // no time is before it
        days => {
            let age = Duration::from_secs(days.saturating_mul(24 * 60 * 60));
            stamp(UnixNanos::default().plus(now.since(UnixNanos::default()).saturating_sub(age)))
        }
    };
    for (at, ended) in old.iter().enumerate() {
        if at < surplus || *ended < oldest {
            let path = names.path(ended);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), "cannot remove an old file: {error}");
            }
        }
    }
}

/// The names of old files: `metrics-2026-11-24T06-51-45.123.jsonl` of `metrics.jsonl`.
struct Names {
    folder: PathBuf,
    stem: String,
    /// With its dot; empty where there is none.
    extension: String,
}

impl Names {
    fn of(path: &Path) -> Self {
        let text = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        Self {
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            stem: text(path.file_stem()).unwrap_or_default(),
            extension: text(path.extension()).map(|extension| format!(".{extension}")).unwrap_or_default(),
        }
    }

    /// The file that ended at `stamp`.
    fn path(&self, stamp: &str) -> PathBuf {
        self.folder.join(format!("{}-{stamp}{}", self.stem, self.extension))
    }

    /// A name for a file that ends at `now`, or a little later where there is one of that time already.
    fn free(&self, now: UnixNanos) -> PathBuf {
        let mut ended = now;
        loop {
            let path = self.path(&stamp(ended));
            if !path.exists() {
                return path;
            }
            ended = ended.plus(Duration::from_millis(1));
        }
    }

    /// When the old files that are there ended.
    fn stamps(&self) -> Vec<String> {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| self.stamp_of(&name).map(str::to_owned)).collect()
    }

    /// The time in a name that [`Names::path`] gave; `None` for what is somebody else's.
    fn stamp_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let stamp = name.strip_prefix(&self.stem)?.strip_prefix('-')?.strip_suffix(&self.extension)?;
        let fits =
            |(found, form): (u8, u8)| if form == b'0' { found.is_ascii_digit() } else { found == form };
        (stamp.len() == STAMP.len() && stamp.bytes().zip(STAMP.bytes()).all(fits)).then_some(stamp)
    }
}

/// The form of a time in a name; a `0` stands for a digit.
const STAMP: &str = "0000-00-00T00-00-00.000";

/// A time in UTC, as a name may hold it.
fn stamp(time: UnixNanos) -> String {
    let time = DateTime::from_millis((time.0 / 1_000_000) as i64);
    // A time before the year 10000 can be written.
    let text = time.fmt(DateTimeFormat::DateTime).unwrap_or_default();
    let text = text.trim_end_matches('Z').replace(':', "-");
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}"),
        None => format!("{text}.000"),
    }
}
