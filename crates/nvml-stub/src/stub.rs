//! A copy of the library in a folder of its own: a new file is a new library to the loader, so tests stay parallel.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use libloading::{Library, Symbol};

use crate::state::Node;

/// The library, and its GPUs. Its folder is removed when it is dropped.
#[derive(Debug)]
pub struct Stub {
    folder: PathBuf,
    node: Node,
    /// Stays loaded, and with it the counts, whoever else closes it.
    library: Option<Library>,
}

impl Stub {
    /// A library with the GPUs of `node`.
    ///
    /// # Errors
    /// The library is not beside the test that runs, or cannot be copied.
    pub fn new(node: Node) -> io::Result<Self> {
        Self::without(node, &[])
    }

    /// A library that lacks these functions, as those of older drivers do.
    ///
    /// # Errors
    /// As [`Stub::new`]; a function that the library does not have in the first place.
    pub fn without(node: Node, functions: &[&str]) -> io::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("weir-nvml-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let mut stub = Self { folder: env::temp_dir().join(name), node, library: None };
        fs::create_dir_all(&stub.folder)?;
        let mut library = fs::read(built()?)?;
        for function in functions {
            hide(&mut library, function)?;
        }
        stub.write()?;
        fs::write(stub.path(), library)?;
        // SAFETY: the library is this crate's, whose initialisers do nothing.
        stub.library = unsafe { Library::new(stub.path()) }.ok();
        Ok(stub)
    }

    /// The library.
    pub fn path(&self) -> PathBuf {
        self.folder.join("libnvidia-ml.so.1")
    }

    /// The folder of the library, for files of the test.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The GPUs as they are.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Changes the GPUs; the next call of whoever loaded the library sees it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn change(&mut self, change: impl FnOnce(&mut Node)) -> io::Result<()> {
        change(&mut self.node);
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let (new, file) = (self.folder.join("state.new"), self.folder.join("state.json"));
        fs::write(&new, serde_json::to_vec(&self.node)?)?;
        fs::rename(new, file) // at once: nobody reads half of it
    }

    /// How often this process called `function` of this library.
    pub fn calls(&self, function: &str) -> u64 {
        let Some(library) = &self.library else { return 0 };
        // SAFETY: the symbol has this type there.
        let calls: Result<Symbol<'_, unsafe extern "C" fn(*const u8, usize) -> u64>, _> =
            unsafe { library.get(b"nvmlStubCalls\0") };
        // SAFETY: a string's start and length.
        calls.map_or(0, |calls| unsafe { calls(function.as_ptr(), function.len()) })
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where cargo puts the library: beside the test that runs.
fn built() -> io::Result<PathBuf> {
    let test = env::current_exe()?;
    let beside = test.parent().map(|folder| folder.join("libweir_nvml_stub.so"));
    beside
        .filter(|library| library.exists())
        .ok_or_else(|| io::Error::other("no libweir_nvml_stub.so beside this test"))
}

/// Gives a symbol another name, so that nobody finds it.
fn hide(library: &mut [u8], function: &str) -> io::Result<()> {
    let name = [b"\0", function.as_bytes(), b"\0"].concat();
    let mut hidden = false;
    for at in 0..library.len() - name.len() {
        if library[at..].starts_with(&name) {
            library[at + 1] = b'x';
            hidden = true;
        }
    }
    if hidden { Ok(()) } else { Err(io::Error::other(format!("the library has no {function}"))) }
}
