//! The scraper `cgroup`: one cgroup.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use weir_core::UnixNanos;

use super::{
    super::{
        config::{CgroupConfig, Controllers},
        scrape::Scraper,
        sink::Sink,
        trouble::{Trouble, Troubles},
    },
    files::Files,
    group::{CONTAINER, Group},
    parse,
};

/// Reports the cgroup that Weir is in, or that of a path.
#[derive(Debug)]
pub(in crate::procfs) struct Own {
    controllers: Controllers,
    files: Files,
}

impl Own {
    /// The cgroup of `config` in the tree of the machine at `root`. Its own one is where this process sees it: `root` is another's view.
    pub(in crate::procfs) fn new(config: &CgroupConfig, root: &Path) -> Self {
        let folder = match &config.path {
            Some(path) => tree(root).join(path.strip_prefix("/").unwrap_or(path)),
            None => folder(&fs::read("/proc/self/cgroup").unwrap_or_default()),
        };
        Self { controllers: config.controllers.clone(), files: Files::at(&folder) }
    }
}

/// The tree of version 2: by itself, or beside those of version 1.
pub(super) fn tree(root: &Path) -> PathBuf {
    let unified = root.join("sys/fs/cgroup/unified");
    if unified.join("cgroup.controllers").exists() { unified } else { root.join("sys/fs/cgroup") }
}

/// Where a process with this membership sees its own cgroup. In a container that is the root of the tree it sees.
pub(in crate::procfs) fn folder(membership: &[u8]) -> PathBuf {
    let path = parse::membership(membership).unwrap_or_default();
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let tree = tree(Path::new("/"));
    if path.is_empty() { tree } else { tree.join(std::ffi::OsStr::from_bytes(path)) }
}

impl Scraper for Own {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let Self { controllers, files } = self;
        let unknown = UnixNanos(0);
        let reported =
            Group { names: &CONTAINER, origin: None, start: unknown, files, sink }.report(controllers);
        reported.map_err(|(file, source)| Trouble::Unreadable { path: files.path_of(file), source })
    }
}
