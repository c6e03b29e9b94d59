//! Files and directories: what blocks, and is called where that is allowed.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a directory that is in use is asked for again.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(50);
/// The longest file that is read: a million streams take a twentieth of it. What is longer is not ours.
const LONGEST: u64 = 1 << 30;

/// What went wrong, and with which file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: another process uses this directory", .0.display())]
    InUse(PathBuf),
    #[error("{}: it is not a file, or longer than 1 GiB", .0.display())]
    NoFile(PathBuf),
    #[error("the work was lost: {0}")]
    Lost(tokio::task::JoinError),
}

fn of(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

/// Creates a directory and those above it.
pub(super) fn create(directory: &Path, mode: u32) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(mode).create(directory).map_err(of(directory))
}

/// The directory's lock, held until the file is dropped. Where there are no locks, as on some network file systems, none is needed.
pub(super) fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(of(&path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::InUse(directory.to_owned())),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
            Err(of(&path)(error))
        }
        _ => Ok(file),
    }
}

/// Where one component's state is.
#[derive(Debug)]
pub(super) struct Place {
    directory: PathBuf,
    mode: u32,
    fsync: bool,
}

impl Place {
    pub(super) fn new(storage: &Path, owner: &str, mode: u32, fsync: bool) -> Self {
        Self { directory: storage.join(directory_name(owner)), mode, fsync }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// The bytes of the file; `None` where there is none.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let path = self.file();
        // Asked first: to open a pipe would wait for its writer.
        let metadata = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(of(&path))?,
        };
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(Error::NoFile(path));
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(of(&path))?;
        file.take(LONGEST).read_to_end(&mut bytes).map_err(of(&path))?;
        Ok(Some(bytes))
    }

    /// Replaces the file: after a crash there is the old one or the new one, whole.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        create(&self.directory, self.mode)?;
        let (path, fresh) = (self.file(), self.directory.join("state.new"));
        let mut options = OpenOptions::new();
        let options = options.create(true).write(true).truncate(true).mode(0o600);
        let mut file = options.open(&fresh).map_err(of(&fresh))?;
        file.write_all(bytes).map_err(of(&fresh))?;
        if self.fsync {
            file.sync_all().map_err(of(&fresh))?;
        }
        fs::rename(&fresh, &path).map_err(of(&path))?;
        if self.fsync {
            // Without this the new name may be lost with the power.
            let directory = File::open(&self.directory).map_err(of(&self.directory))?;
            directory.sync_all().map_err(of(&self.directory))?;
        }
        Ok(())
    }

    /// Puts a file that cannot be gone on from out of the way, and answers where it is now. The one before it makes room: a
    /// disk must not fill with them.
    pub(super) fn set_aside(&self) -> Result<PathBuf, Error> {
        let (path, aside) = (self.file(), self.directory.join("state.set_aside"));
        fs::rename(&path, &aside).map_err(of(&path))?;
        Ok(aside)
    }
}

/// The longest name of a directory that is made of an owner's; file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// A name for the directory of a component: what is special to file systems is written in hexadecimal, and what is too long
/// is cut, with a checksum of all in its place.
fn directory_name(owner: &str) -> String {
    let mut name = String::new();
    for byte in owner.bytes() {
        if byte.is_ascii_alphanumeric() || b"@_-".contains(&byte) {
            name.push(byte.into());
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME);
        name.push_str(&format!("~{:08x}", crc32fast::hash(owner.as_bytes())));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_by_its_component() {
        assert_eq!(directory_name("delta@metrics/host"), "delta@metrics%2Fhost");
        assert_eq!(directory_name("delta/a.b@metrics"), "delta%2Fa%2Eb@metrics");
        let long = |end: char| directory_name(&("x".repeat(999) + &end.to_string()));
        assert!(long('a').len() < 255 && long('a') != long('b'));
    }
}
