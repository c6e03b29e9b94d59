//! Reading a tree of folders and small files, with buffers that only grow.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FileType, Mode, OFlags, RawDir, open};

use super::super::source::read_all;

/// Room for the entries of a folder at a time.
const ENTRIES: usize = 8 << 10;

/// A place in a tree, and what was read there last.
#[derive(Debug)]
pub(super) struct Files {
    path: Vec<u8>,
    content: Vec<u8>,
    entries: Vec<u8>,
}

impl Files {
    /// At `root`.
    pub(super) fn at(root: &Path) -> Self {
        let entries = Vec::with_capacity(ENTRIES);
        Self { path: root.as_os_str().as_bytes().to_vec(), content: Vec::new(), entries }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Where it is, and `name` there.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        Path::new(OsStr::from_bytes(&self.path)).join(name)
    }

    /// Goes into the folder `name`; answers where to go back to.
    pub(super) fn enter(&mut self, name: &[u8]) -> usize {
        let before = self.path.len();
        self.path.push(b'/');
        self.path.extend_from_slice(name);
        before
    }

    /// Goes back.
    pub(super) fn leave(&mut self, before: usize) {
        self.path.truncate(before);
    }

    /// What the file `name` holds.
    pub(super) fn read(&mut self, name: &str) -> io::Result<&[u8]> {
        let before = self.enter(name.as_bytes());
        let file = File::open(OsStr::from_bytes(&self.path));
        self.leave(before);
        let filled = read_all(&file?, &mut self.content)?;
        Ok(&self.content[..filled])
    }

    /// Appends the names of the folders here to `names`, each behind its length.
    pub(super) fn folders(&mut self, names: &mut Listing) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(OsStr::from_bytes(&self.path), flags, Mode::empty())?;
        let mut entries = RawDir::new(folder, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if entry.file_type() == FileType::Directory && name != b"." && name != b".." {
                names.push(name);
            }
        }
        Ok(())
    }
}

/// Names in one buffer: a stack of lists.
#[derive(Debug, Default)]
pub(super) struct Listing {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, name: &[u8]) {
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }
}
