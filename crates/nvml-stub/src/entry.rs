//! What each function does first: count itself, read the state, hang, fail.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use nvml_wrapper_sys::bindings::nvmlDevice_t;

use crate::state::{Gpu, Node};

/// How often a function that hangs, or waits for events, looks at the state again.
pub(crate) const LOOK: Duration = Duration::from_millis(2);

pub(crate) const UNINITIALIZED: u32 = 1;
pub(crate) const INVALID_ARGUMENT: u32 = 2;
pub(crate) const NOT_SUPPORTED: u32 = 3;
const UNKNOWN: u32 = 999;

#[derive(Debug, Default)]
struct Library {
    /// How often `nvmlInit_v2` succeeded without `nvmlShutdown`.
    opened: u32,
    calls: BTreeMap<&'static str, u64>,
    path: Option<PathBuf>,
    stamp: (u64, i64, i64),
    node: Arc<Node>,
    /// Kinds of events that were registered for, by GPU.
    registered: BTreeMap<usize, u64>,
    /// Events that were reported, by GPU: XIDs, and others.
    reported: BTreeMap<usize, (usize, usize)>,
    /// Samples of GPM, by handle: whose it is, once it was taken.
    samples: BTreeMap<usize, Option<Sample>>,
    /// Samples taken so far.
    taken: u64,
}

/// A sample: which one it is of all, and whose.
pub(crate) type Sample = (u64, Place);

/// A GPU's index, and the number of the instance.
pub(crate) type Place = (usize, Option<usize>);

static LIBRARY: Mutex<Option<Library>> = Mutex::new(None);

fn library() -> MutexGuard<'static, Option<Library>> {
    let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    library.get_or_insert_with(Library::default);
    library
}

/// Changes the library's own state.
fn with<T: Default>(change: impl FnOnce(&mut Library) -> T) -> T {
    library().as_mut().map(change).unwrap_or_default()
}

/// The file of this very library: the mapping that holds one of its functions.
fn own_path() -> Option<PathBuf> {
    let address = own_path as *const () as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let within = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
        let path = rest.find('/').map(|at| &rest[at..])?;
        within.contains(&address).then(|| PathBuf::from(path))
    })
}

/// The state as the file has it now.
pub(crate) fn node() -> Arc<Node> {
    with(|library| {
        let path = library.path.get_or_insert_with(|| {
            own_path()
                .as_deref()
                .and_then(Path::parent)
                .map(|folder| folder.join("state.json"))
                .unwrap_or_default()
        });
        if let Ok(about) = fs::metadata(&*path) {
            let stamp = (about.ino(), about.mtime(), about.mtime_nsec());
            if stamp != library.stamp
                && let Some(node) = fs::read(&*path).ok().and_then(|text| serde_json::from_slice(&text).ok())
            {
                (library.node, library.stamp) = (Arc::new(node), stamp);
            }
        }
        Arc::clone(&library.node)
    })
}

fn count(function: &'static str) {
    with(|library| *library.calls.entry(function).or_default() += 1);
}

/// How often `function` was called.
pub(crate) fn calls(function: &str) -> u64 {
    with(|library| library.calls.get(function).copied().unwrap_or(0))
}

pub(crate) fn open(function: &'static str) -> u32 {
    count(function);
    while node().hangs {
        thread::sleep(LOOK);
    }
    match node().faults.get(function) {
        Some(code) => *code,
        None => {
            with(|library| library.opened += 1);
            0
        }
    }
}

pub(crate) fn close(function: &'static str) -> u32 {
    count(function);
    with(|library| match library.opened.checked_sub(1) {
        Some(left) => {
            library.opened = left;
            0
        }
        None => UNINITIALIZED,
    })
}

/// A function that asks no GPU.
pub(crate) fn of_node(function: &'static str, answer: impl FnOnce(&Node) -> u32) -> u32 {
    count(function);
    let node = node();
    if with(|library| library.opened) == 0 {
        return UNINITIALIZED;
    }
    match node.faults.get(function) {
        Some(code) => *code,
        None => answer(&node),
    }
}

/// A handle: the index, from one; in thousands the instance, from one.
pub(crate) fn handle(index: usize, instance: Option<usize>) -> nvmlDevice_t {
    (index + 1 + instance.map_or(0, |number| (number + 1) * 1000)) as nvmlDevice_t
}

/// Whose a handle is.
pub(crate) fn place(device: nvmlDevice_t) -> Place {
    let handle = device as usize;
    ((handle % 1000).wrapping_sub(1), (handle / 1000).checked_sub(1))
}

/// A function that asks the GPU or instance behind a handle.
pub(crate) fn of_gpu(function: &'static str, device: nvmlDevice_t, answer: impl FnOnce(&Gpu) -> u32) -> u32 {
    count(function);
    let (index, instance) = place(device);
    loop {
        let node = node();
        if with(|library| library.opened) == 0 {
            return UNINITIALIZED;
        }
        let Some(gpu) = node.gpus.get(index) else { return UNKNOWN };
        let is_in = |name: &str| gpu.hangs.contains(name);
        if is_in(function) || is_in("*") {
            thread::sleep(LOOK);
            continue;
        }
        if let Some(code) = gpu.faults.get(function).or_else(|| gpu.faults.get("*")) {
            return *code;
        }
        return match instance {
            None => answer(gpu),
            Some(number) => gpu.instances.get(number).map_or(INVALID_ARGUMENT, answer),
        };
    }
}

/// A handle for a sample of GPM; the first is 1.
pub(crate) fn new_sample() -> usize {
    with(|library| {
        let new = library.samples.len() + 1;
        library.samples.insert(new, None);
        new
    })
}

pub(crate) fn take_sample(sample: usize, of: Place) {
    with(|library| {
        library.taken += 1;
        library.samples.insert(sample, Some((library.taken, of)));
    });
}

pub(crate) fn sample(sample: usize) -> Option<Sample> {
    with(|library| library.samples.get(&sample).copied().flatten())
}

/// An event: which GPU, which kind, code, instance.
pub(crate) type Event = (usize, u64, u64, Option<u32>);

const XID: u64 = 8;

/// There is a new event set: nothing is registered for yet.
pub(crate) fn new_event_set() {
    with(|library| library.registered.clear());
}

/// Events of these kinds are wanted of a GPU.
pub(crate) fn register(index: usize, kinds: u64) {
    with(|library| *library.registered.entry(index).or_default() |= kinds);
}

/// The next event that was not reported yet. What nobody registered for is lost.
pub(crate) fn next_event() -> Option<Event> {
    let node = node();
    with(|library| {
        let Library { reported, registered, .. } = library;
        node.gpus.iter().enumerate().find_map(|(index, gpu)| {
            let (xids, others) = reported.entry(index).or_default();
            let wanted = registered.get(&index).copied().unwrap_or(0);
            while let Some(kind) = gpu.events.get(*others) {
                *others += 1;
                if kind & wanted != 0 {
                    return Some((index, *kind, 0, None));
                }
            }
            let xid = gpu.xids.get(*xids)?;
            *xids += 1;
            (wanted & XID != 0).then_some((index, XID, xid.code, xid.instance))
        })
    })
}
