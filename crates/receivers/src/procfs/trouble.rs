//! What could not be read: said once per path, counted, and never a reason to stop.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Paths that are remembered as said. Beyond it (mounts that come and go in an endless stream of names) trouble is only counted.
const MAX_SAID: usize = 1000;

/// Why a file or a mount point gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The kernel refused.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// It is not in the kernel's format.
    #[error("{path} holds no {wanted}", path = path.display())]
    Malformed { path: PathBuf, wanted: &'static str },
    /// Something else is visible at a mount point.
    #[error("{path} shows device {seen:?}, not {mounted:?} which is mounted there (is the mount propagated into this container?)", path = path.display())]
    Hidden { path: PathBuf, mounted: (u32, u32), seen: (u32, u32) },
}

impl Trouble {
    /// Whether there is no such file.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Malformed { path, .. } | Self::Hidden { path, .. } => path,
        }
    }
}

/// Takes the troubles of a receiver in.
#[derive(Debug)]
pub(super) struct Troubles {
    component: Arc<str>,
    said: HashSet<PathBuf>,
    count: u64,
    latest: Option<String>,
}

impl Troubles {
    pub(super) fn new(component: Arc<str>) -> Self {
        Self { component, said: HashSet::new(), count: 0, latest: None }
    }

    /// Takes one in; logs the first of its path.
    pub(super) fn report(&mut self, trouble: Trouble) {
        self.count += 1;
        if self.said.len() < MAX_SAID && !self.said.contains(trouble.path()) {
            tracing::warn!(component = %self.component, "{trouble}; left out, said once");
            self.said.insert(trouble.path().to_owned());
        }
        self.latest = Some(trouble.to_string());
    }

    /// Says what is no trouble but worth knowing.
    pub(super) fn remark(&self, remark: std::fmt::Arguments<'_>) {
        tracing::info!(component = %self.component, "{remark}");
    }

    /// How many there were since the start.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The latest since this was last asked.
    pub(super) fn take_latest(&mut self) -> Option<String> {
        self.latest.take()
    }
}
