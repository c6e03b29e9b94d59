//! Files that are read again when they change: certificates, keys, tokens, passwords.

use std::{
    convert::Infallible,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::{task::spawn_blocking, time::MissedTickBehavior};

#[cfg(test)]
mod tests;

/// Why something could not be made of files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error("could not read {path}: {error}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        error: String,
    },
    /// The contents are not what they should be.
    #[error("{0}")]
    Content(String),
}

/// What is made of the contents of some files, made anew when they change. What cannot be made anew stays as it was.
pub struct Reloaded<T> {
    files: Vec<PathBuf>,
    make: Box<Make<T>>,
    now: RwLock<Arc<T>>,
    /// The contents that `now` was made of: a change shows in them, whatever the file system says of times.
    from: Mutex<Vec<Vec<u8>>>,
    /// The failure that was told last.
    told: Mutex<Option<LoadError>>,
}

type Make<T> = dyn Fn(&[Vec<u8>]) -> Result<T, LoadError> + Send + Sync;

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads `files` and gives `make` their contents, in the same order.
    ///
    /// # Errors
    /// A file cannot be read, or nothing can be made of them.
    pub fn load(
        files: Vec<PathBuf>,
        make: impl Fn(&[Vec<u8>]) -> Result<T, LoadError> + Send + Sync + 'static,
    ) -> Result<Self, LoadError> {
        let from = read(&files)?;
        let now = RwLock::new(Arc::new(make(&from)?));
        Ok(Self { files, make: Box::new(make), now, from: Mutex::new(from), told: Mutex::default() })
    }

    /// What it is now.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.now.read())
    }

    /// Looks at the files every `every`, for as long as it is polled; never, where that is zero or there are no files.
    pub async fn watch(self: &Arc<Self>, every: Duration) -> Infallible {
        if every.is_zero() || self.files.is_empty() {
            return std::future::pending().await;
        }
        let mut often = tokio::time::interval(every);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            often.tick().await;
            let reloaded = Arc::clone(self);
            // Files can be far away. Nobody waits for a panic of `make`: what it was stays.
            let _ = spawn_blocking(move || reloaded.look()).await;
        }
    }

    /// Looks at the files once.
    fn look(&self) {
        let names =
            || self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        match self.renew() {
            Ok(false) => {}
            Ok(true) => tracing::info!(files = names(), "files have changed and are in force"),
            Err(error) if self.told.lock().as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::warn!(files = names(), %error, "files cannot be taken: what was read before stays in force");
                *self.told.lock() = Some(error);
            }
        }
    }

    /// Whether anything has changed.
    fn renew(&self) -> Result<bool, LoadError> {
        let contents = read(&self.files)?;
        let mut from = self.from.lock();
        if *from == contents {
            *self.told.lock() = None;
            return Ok(false);
        }
        let made = (self.make)(&contents)?;
        *self.now.write() = Arc::new(made);
        *from = contents;
        *self.told.lock() = None;
        Ok(true)
    }
}

impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloaded").field("files", &self.files).finish_non_exhaustive()
    }
}

fn read(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, LoadError> {
    let cannot =
        |path: &Path, error: io::Error| LoadError::Read { path: path.to_owned(), error: error.to_string() };
    files.iter().map(|path| fs::read(path).map_err(|error| cannot(path, error))).collect()
}
