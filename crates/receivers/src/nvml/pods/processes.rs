//! Figures by process, told by container. On the GPU's own thread: its calls and files are all read there.
//!
//! NVML gives ids of processes as the node has them. In a container they mean something only where the node's processes are visible; one driver mixed up
//! the namespaces. So a process is whose its cgroup says, and nobody's where there is none.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use weir_kubelet::PodCgroup;
use weir_nvml_raw::{Class, Device, Error};

use super::{Names, Owner};

/// A `cgroup` file has a line a hierarchy of some hundred bytes; what is longer is nobody's.
const MOST_BYTES: u64 = 16 << 10;

/// A container as its cgroup has it.
#[derive(Debug, PartialEq)]
pub(in crate::nvml) struct Container {
    pub(super) id: String,
    /// The container by its ids, for want of names.
    pub(super) owner: Arc<Owner>,
}

/// Whose a process is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::nvml) enum Whose {
    /// No container's: the node's own.
    #[default]
    Nobodys,
    /// It cannot be seen, or ended before it was.
    Unseen,
    Container(Arc<Container>),
}

/// What a container's processes use of the GPU, together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::nvml) struct OfContainer {
    pub(super) whose: Whose,
    pub(super) memory: Option<u64>,
    /// Percent of multiprocessors, encoder and decoder.
    pub(super) used: Option<[u32; 3]>,
}

impl OfContainer {
    /// The container, by its names where the node tells them.
    pub(super) fn owner<'a>(&'a self, names: &'a Names) -> Option<&'a Arc<Owner>> {
        let Whose::Container(container) = &self.whose else { return None };
        Some(names.get(&container.id).unwrap_or(&container.owner))
    }

    /// Whether it is known whose this is: by name, as the kubelet has it, where it is a container's.
    pub(super) fn is_told(&self, names: &Names) -> bool {
        match &self.whose {
            Whose::Nobodys => true,
            Whose::Unseen => false,
            Whose::Container(container) => names.get(&container.id).is_some(),
        }
    }

    /// Adds what another has.
    pub(super) fn add(&mut self, memory: Option<u64>, used: Option<[u32; 3]>) {
        if let Some(memory) = memory {
            self.memory = Some(self.memory.unwrap_or(0).saturating_add(memory));
        }
        if let Some(used) = used {
            let sum = self.used.unwrap_or_default();
            self.used = Some(std::array::from_fn(|at| sum[at].saturating_add(used[at])));
        }
    }
}

/// A process that was seen.
#[derive(Debug)]
struct Known {
    /// Its `cgroup` file: as long as that is the same, so is the container.
    cgroup: Vec<u8>,
    whose: Whose,
    is_there: bool,
}

/// The processes of one GPU.
#[derive(Debug)]
pub(in crate::nvml) struct Processes {
    proc: PathBuf,
    nvml: weir_nvml_raw::Processes,
    known: HashMap<u32, Known>,
    /// Whether the driver says what processes use of this GPU.
    tells_use: bool,
    /// Buffers.
    path: String,
    file: Vec<u8>,
}

impl Processes {
    pub(in crate::nvml) fn new(root: &Path) -> Self {
        let (known, path, file) = (HashMap::new(), String::new(), Vec::new());
        let nvml = weir_nvml_raw::Processes::default();
        Self { proc: root.join("proc"), nvml, known, tells_use: false, path, file }
    }

    /// Whether the last answer said what each process used, or that none used anything.
    pub(in crate::nvml) fn tells_use(&self) -> bool {
        self.tells_use
    }

    /// Puts what each container uses into `into`. Answers how many processes compute, and how many bytes they hold where
    /// the driver knows that of any.
    ///
    /// # Errors
    /// The list of processes cannot be had; what they use may be missing without.
    pub(in crate::nvml) fn read(
        &mut self,
        device: &Device,
        into: &mut Vec<OfContainer>,
    ) -> Result<(u32, Option<u64>), Error> {
        self.tells_use = false;
        self.known.values_mut().for_each(|known| known.is_there = false);
        let Self { proc, nvml, known, tells_use, path, file } = self;
        let mut of_process = |pid| whose(proc, known, path, file, pid);
        let mut all = (0, OfContainer::default());
        for (pid, memory) in nvml.running(device)? {
            all.0 += 1;
            all.1.add(memory, None);
            of(into, of_process(pid)).add(memory, None);
        }
        match nvml.samples(device) {
            Ok(samples) => {
                *tells_use = true;
                for sample in samples {
                    let used = [sample.sm, sample.encoder, sample.decoder];
                    of(into, of_process(sample.pid)).add(None, Some(used));
                }
            }
            Err(error) if matches!(error.class(), Class::Lost | Class::Session) => return Err(error),
            Err(error) => *tells_use = error.class() == Class::NoData, // else not on this GPU, such as one that is divided
        }
        self.known.retain(|_, known| known.is_there);
        let (count, OfContainer { memory, .. }) = all;
        Ok((count, memory.or((count == 0).then_some(0))))
    }
}

/// The entry of a container, made where there is none.
fn of(into: &mut Vec<OfContainer>, whose: Whose) -> &mut OfContainer {
    let at = into.iter().position(|known| known.whose == whose).unwrap_or(into.len());
    if at == into.len() {
        into.push(OfContainer { whose, ..OfContainer::default() });
    }
    &mut into[at]
}

/// Whose a process is. Its file is read each time: an id may be another's by now. One that has ended is whose it was.
fn whose(
    proc: &Path,
    known: &mut HashMap<u32, Known>,
    path: &mut String,
    file: &mut Vec<u8>,
    pid: u32,
) -> Whose {
    path.clear();
    file.clear();
    let _ = write!(path, "{}/{pid}/cgroup", proc.display()); // into a string: it cannot fail
    let read = File::open(&*path).and_then(|open| open.take(MOST_BYTES).read_to_end(file));
    if read.is_err() {
        return known.get(&pid).map_or(Whose::Unseen, |known| known.whose.clone());
    }
    if let Some(known) = known.get_mut(&pid).filter(|known| known.cgroup == *file) {
        known.is_there = true;
        return known.whose.clone();
    }
    let whose = of_cgroup(file).map_or(Whose::Nobodys, |container| Whose::Container(Arc::new(container)));
    known.insert(pid, Known { cgroup: file.clone(), whose: whose.clone(), is_there: true });
    whose
}

/// The container that a line `<hierarchy>:<controllers>:<path>` of a `cgroup` file names.
fn of_cgroup(file: &[u8]) -> Option<Container> {
    let text = String::from_utf8_lossy(file);
    let found = text.lines().find_map(|line| PodCgroup::of(line.splitn(3, ':').nth(2)?))?;
    let id = found.container?.id;
    Some(Container { owner: Arc::new(Owner::of_ids(&found.uid, &id)), id })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "3f1c9a52-7a64-4f0e-9d5e-0a1b2c3d4e5f";
    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_process_is_whose_its_cgroup_says_in_both_versions() {
        let container = Container { id: ID.to_owned(), owner: Arc::new(Owner::of_ids(UID, ID)) };
        let v2 = format!("0::/kubepods/burstable/pod{UID}/{ID}\n");
        let v1 = format!("12:pids:/kubepods/pod{UID}/{ID}\n1:name=systemd:/kubepods/pod{UID}/{ID}\n0::/\n");
        assert_eq!(of_cgroup(v2.as_bytes()), Some(container));
        assert_eq!(of_cgroup(v1.as_bytes()).unwrap().id, ID);
        for other in ["", "0::/\n", "0::/user.slice\n", "no line", &format!("0::/kubepods/pod{UID}\n")] {
            assert_eq!(of_cgroup(other.as_bytes()), None, "{other}");
        }
    }
}
