//! Files of `/proc`, kept open and read anew at each scrape.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::trouble::Trouble;

/// Far above what any kernel writes (a `/proc/stat` of 1024 CPUs takes 200 kB): so that no file can take all memory.
const MAX_BYTES: usize = 16 << 20;
const FIRST_BYTES: usize = 8 << 10;
/// What is held at once of a file that is read line by line.
const LINES_BYTES: usize = 64 << 10;

/// A file whose content is made anew by each read from its beginning; the first of several paths that can be read.
#[derive(Debug)]
pub(super) struct Source {
    paths: Vec<PathBuf>,
    open: Option<(usize, File)>,
    buffer: Vec<u8>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    path: &'a Path,
    /// Which of the source's paths this is.
    pub(super) choice: usize,
}

impl Text<'_> {
    /// The trouble that the file holds no `wanted`.
    pub(super) fn holds_no(&self, wanted: &'static str) -> Trouble {
        Trouble::Malformed { path: self.path.to_owned(), wanted }
    }
}

impl Source {
    pub(super) fn new(path: PathBuf) -> Self {
        Self::first_of(vec![path])
    }

    /// The first of `paths` that can be read; trouble is reported of the first.
    pub(super) fn first_of(paths: Vec<PathBuf>) -> Self {
        Self { paths, open: None, buffer: Vec::new() }
    }

    /// What the file holds now.
    pub(super) fn read(&mut self) -> Result<Text<'_>, Trouble> {
        let kept = match &self.open {
            // A file that was good may have gone stale: its process ended, its mount was replaced.
            Some((choice, file)) => read_all(file, &mut self.buffer).ok().map(|len| (*choice, len)),
            None => None,
        };
        let (choice, len) = match kept {
            Some(kept) => kept,
            None => self.reopen()?,
        };
        Ok(Text { bytes: &self.buffer[..len], path: &self.paths[choice], choice })
    }

    /// Gives each line to `each`: for files that may be longer than what is worth holding. What stands after the last newline is no line.
    pub(super) fn each_line(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), Trouble> {
        if self.open.is_none() {
            self.reopen()?;
        }
        let Some((choice, file)) = &self.open else { return Ok(()) };
        if self.buffer.len() < LINES_BYTES {
            self.buffer.resize(LINES_BYTES, 0);
        }
        let (mut kept, mut offset) = (0, 0_u64);
        loop {
            let read = match file.read_at(&mut self.buffer[kept..], offset) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let trouble = Trouble::Unreadable { path: self.paths[*choice].clone(), source: error };
                    self.open = None;
                    return Err(trouble);
                }
            };
            offset += read as u64;
            let filled = kept + read;
            let whole = self.buffer[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            super::text::lines(&self.buffer[..whole]).for_each(&mut each);
            // A line longer than the buffer is none that is known here: it is left out.
            let begun = if filled - whole == self.buffer.len() { filled } else { whole };
            self.buffer.copy_within(begun..filled, 0);
            kept = filled - begun;
        }
    }

    fn reopen(&mut self) -> Result<(usize, usize), Trouble> {
        self.open = None;
        let mut first = None;
        for (choice, path) in self.paths.iter().enumerate() {
            let opened = File::open(path).and_then(|file| Ok((read_all(&file, &mut self.buffer)?, file)));
            match opened {
                Ok((len, file)) => {
                    self.open = Some((choice, file));
                    return Ok((choice, len));
                }
                Err(error) => {
                    first.get_or_insert(Trouble::Unreadable { path: path.clone(), source: error });
                }
            }
        }
        let nothing = || Trouble::Unreadable { path: PathBuf::new(), source: io::ErrorKind::NotFound.into() };
        Err(first.unwrap_or_else(nothing))
    }
}

/// Reads from the beginning; answers how much of `buffer` is filled. The buffer only grows, so that a file of usual size is read
/// without allocation.
pub(super) fn read_all(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            if filled >= MAX_BYTES {
                return Ok(filled);
            }
            buffer.resize((filled * 2).clamp(FIRST_BYTES, MAX_BYTES), 0);
        }
        match file.read_at(&mut buffer[filled..], filled as u64) {
            Ok(0) => return Ok(filled),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
