//! The processes of the machine: a walk over `/proc`, and what one says of itself.

use std::{
    ffi::CString,
    fs::File,
    io::{self, Read},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use super::{text, trouble::Trouble};

/// Room for the names that one call to the kernel gives.
const NAMES_BYTES: usize = 16 << 10;
/// Far above what the kernel writes into `stat`, `status` and `io` of a process.
const FILE_BYTES: usize = 16 << 10;

/// All processes, found anew by each walk.
#[derive(Debug)]
pub(super) struct Pids {
    proc: PathBuf,
    names: Box<[MaybeUninit<u8>]>,
    text: Vec<u8>,
}

/// A process while it is walked past.
#[derive(Debug)]
pub(super) struct Process<'a> {
    /// Its number as text.
    pub(super) pid: &'a [u8],
    folder: OwnedFd,
    text: &'a mut Vec<u8>,
}

impl Pids {
    pub(super) fn of(root: &Path) -> Self {
        let names = vec![MaybeUninit::uninit(); NAMES_BYTES].into_boxed_slice();
        Self { proc: root.join("proc"), names, text: Vec::with_capacity(FILE_BYTES) }
    }

    /// The trouble that there is none: not even this process is seen.
    pub(super) fn none(&self) -> Trouble {
        Trouble::Malformed { path: self.proc.clone(), wanted: "process" }
    }

    /// Stands for a file of any of them, in what is said of them all.
    pub(super) fn file_of_any(&self, name: &str) -> PathBuf {
        self.proc.join("<pid>").join(name)
    }

    /// Walks past every process. No allocation.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&mut Process<'_>)) -> Result<(), Trouble> {
        let Self { proc, names, text } = self;
        let unreadable = |error: rustix::io::Errno| Trouble::Unreadable {
            path: proc.clone(),
            source: io::Error::from(error),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let all = openat(CWD, &*proc, flags, Mode::empty()).map_err(unreadable)?;
        let mut entries = RawDir::new(all.as_fd(), names);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(unreadable)?;
            let pid = entry.file_name().to_bytes();
            if text::number(pid).is_none() {
                continue;
            }
            if let Ok(folder) = openat(all.as_fd(), entry.file_name(), flags, Mode::empty()) {
                visit(&mut Process { pid, folder, text });
            }
        }
        Ok(())
    }
}

fn read_into(folder: &OwnedFd, name: &str, text: &mut Vec<u8>) -> Option<()> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = File::from(openat(folder.as_fd(), name, flags, Mode::empty()).ok()?);
    file.take(FILE_BYTES as u64).read_to_end(text).ok()?;
    Some(())
}

impl Process<'_> {
    /// What one of its files holds; `None` if the process has ended or does not let it be read.
    pub(super) fn read(&mut self, name: &str) -> Option<&[u8]> {
        self.text.clear();
        read_into(&self.folder, name, self.text)?;
        Some(self.text)
    }

    /// A file that is read once: its first 16 KiB.
    pub(super) fn whole(&self, name: &str) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        read_into(&self.folder, name, &mut text)?;
        Some(text)
    }

    /// The user whose rights it has.
    pub(super) fn user(&self) -> Option<u32> {
        rustix::fs::fstat(self.folder.as_fd()).ok().map(|of| of.st_uid)
    }

    /// Where one of its links leads.
    pub(super) fn link(&self, name: &str) -> Option<Vec<u8>> {
        rustix::fs::readlinkat(self.folder.as_fd(), name, Vec::new()).ok().map(CString::into_bytes)
    }

    /// How many entries one of its folders has.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(self.folder.as_fd(), name, flags, Mode::empty()).ok()?;
        let mut names = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(folder.as_fd(), &mut names);
        let mut count = 0;
        while let Some(entry) = entries.next() {
            let name = entry.ok()?;
            count += u64::from(!matches!(name.file_name().to_bytes(), b"." | b".."));
        }
        Some(count)
    }
}

/// The fields of `/proc/<pid>/stat` that are used here (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: Name,
    pub(super) state: u8,
    pub(super) parent: u64,
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    /// In USER_HZ: in user mode, in the kernel, waiting for block I/O.
    pub(super) user: u64,
    pub(super) system: u64,
    pub(super) wait: u64,
    pub(super) threads: u64,
    /// After boot, in USER_HZ.
    pub(super) started: u64,
    pub(super) virtual_bytes: u64,
}

impl Stat {
    /// Time in user mode, in the kernel, and waiting for block I/O, in USER_HZ.
    pub(super) fn ticks(&self) -> [u64; 3] {
        [self.user, self.system, self.wait]
    }
}

/// The name of an executable: at most 15 bytes of it, or 63 for a thread of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    bytes: [u8; 64],
    len: usize,
}

impl Name {
    fn new(name: &[u8]) -> Self {
        let len = name.len().min(64);
        let mut bytes = [0; 64];
        bytes[..len].copy_from_slice(&name[..len]);
        Self { bytes, len }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads `stat`. A name may hold anything, `)` and newlines included: it ends at the last `)`.
pub(super) fn stat(stat: &[u8]) -> Option<Stat> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    let name = stat.get(begin + 1..end)?;
    let line = text::lines(&stat[end + 1..]).next()?;
    let mut words = text::words(line);
    let state = words.next().filter(|word| word.len() == 1)?[0];
    // Fields 4 to 42. Some are signed; those that are used are not.
    let (mut field, mut last) = ([0_u64; 43], 3);
    for (slot, word) in field[4..].iter_mut().zip(&mut words) {
        *slot = text::number(word.strip_prefix(b"-").unwrap_or(word))?;
        last += 1;
    }
    // Waiting for block I/O came last, with Linux 2.6.18.
    (last >= 24).then_some(Stat {
        name: Name::new(name),
        state,
        parent: field[4],
        minor_faults: field[10],
        major_faults: field[12],
        user: field[14],
        system: field[15],
        wait: field[42],
        threads: field[20],
        started: field[22],
        virtual_bytes: field[23],
    })
}
