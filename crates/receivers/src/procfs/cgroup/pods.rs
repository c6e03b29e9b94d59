//! The scraper `pods`: every pod of a node, and their containers.

use std::{collections::HashMap, path::Path};

use weir_core::{Attributes, Interner, UnixNanos, Value};
use weir_kubelet::PodCgroup;

use super::{
    super::{
        config::PodsConfig,
        scrape::Scraper,
        sink::{Origin, Sink},
        trouble::{Trouble, Troubles},
    },
    files::{Files, Listing},
    group::{CONTAINER, Group, POD},
    own::tree,
};

/// Folders above pods whose names do not say so: what the tree of pods may be nested in, and the classes of the cgroupfs driver.
const ABOVE: [&str; 4] = ["kubelet.slice", "kubelet", "burstable", "besteffort"];
/// What every other folder above pods has in its name.
const PODS: &str = "kubepods";
/// Far above what a kubelet nests: no tree can take the stack.
const DEEPEST: usize = 8;

/// Reports pods.
#[derive(Debug)]
pub(in crate::procfs) struct Pods {
    config: PodsConfig,
    files: Files,
    /// The path of the tree's root, which no cgroup's own path has.
    root: usize,
    names: Listing,
    known: HashMap<Box<[u8]>, Known>,
    round: u64,
    last_round: UnixNanos,
}

/// A folder of the tree of pods.
#[derive(Debug)]
struct Known {
    what: What,
    start: UnixNanos,
    seen: u64,
}

#[derive(Debug)]
enum What {
    /// Holds pods.
    Above,
    Pod(Place),
    Container(Place),
    /// None of a pod's containers, such as `crio-conmon-…`.
    Other,
}

/// The resource of a pod or a container.
#[derive(Debug)]
struct Place {
    /// Below the root of the tree, with a slash before it.
    path: Box<[u8]>,
    attributes: Vec<(&'static str, String)>,
}

impl Origin for Place {
    fn key(&self) -> &[u8] {
        &self.path
    }

    fn attributes(&self, interner: &Interner) -> Attributes {
        let attribute =
            |(key, value): &(&'static str, String)| interner.attribute(key, Value::str(value.as_str()));
        Attributes::new(self.attributes.iter().map(attribute).collect())
    }
}

impl Pods {
    /// Of the machine at `root`.
    pub(in crate::procfs) fn new(config: PodsConfig, root: &Path) -> Self {
        let files = Files::at(&tree(root));
        let root = files.path().len();
        let last_round = UnixNanos(0);
        Self { config, files, root, names: Listing::default(), known: HashMap::new(), round: 0, last_round }
    }

    /// Looks at every folder below the present one, and reports what is a pod or a container.
    fn walk(&mut self, sink: &mut Sink<'_>, depth: usize) -> std::io::Result<()> {
        let first = self.names.len();
        let listed = self.files.folders(&mut self.names);
        for at in first..self.names.len() {
            let before = self.files.enter(self.names.get(at));
            if self.visit(sink) && depth < DEEPEST {
                // A pod may end while it is looked at: what is gone has nothing to report.
                let _ = self.walk(sink, depth + 1);
            }
            self.files.leave(before);
        }
        self.names.truncate(first);
        listed
    }

    /// Reports the folder, and answers whether to look below it.
    fn visit(&mut self, sink: &mut Sink<'_>) -> bool {
        let path = &self.files.path()[self.root..];
        if !self.known.contains_key(path) {
            let known = Known { what: what(path), start: self.last_round, seen: 0 };
            self.known.insert(path.into(), known);
        }
        let Some(known) = self.known.get_mut(&self.files.path()[self.root..]) else { return false };
        known.seen = self.round;
        let (names, origin) = match &known.what {
            What::Above => return true,
            What::Other => return false,
            What::Pod(origin) => (&POD, origin),
            What::Container(origin) => (&CONTAINER, origin),
        };
        let files = &mut self.files;
        // A file that is not there: its controller is off, or the pod has ended since it was listed.
        let _ = Group { names, origin: Some(origin), start: known.start, files, sink }
            .report(&self.config.controllers);
        matches!(known.what, What::Pod(_)) && self.config.containers
    }
}

fn what(path: &[u8]) -> What {
    let path = String::from_utf8_lossy(path);
    let Some(found) = PodCgroup::of(&path) else {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_above = ABOVE.contains(&name) || name.contains(PODS);
        return if is_above { What::Above } else { What::Other };
    };
    let mut attributes = vec![("k8s.pod.uid", found.uid), ("k8s.pod.qos_class", found.qos.name().to_owned())];
    match found.container {
        None => What::Pod(Place { path: path.as_bytes().into(), attributes }),
        Some(container) => {
            attributes.push(("container.id", container.id));
            if let Some(runtime) = container.runtime {
                attributes.push(("container.runtime", runtime.to_owned()));
            }
            What::Container(Place { path: path.as_bytes().into(), attributes })
        }
    }
}

impl Scraper for Pods {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        self.round += 1;
        let walked = self.walk(sink, 0);
        let round = self.round;
        self.known.retain(|_, known| known.seen == round);
        self.last_round = sink.now;
        let unreadable = |source| Trouble::Unreadable { path: self.files.path_of(""), source };
        walked.map_err(unreadable)?;
        let is_a_pod_or_above = |known: &Known| !matches!(known.what, What::Other);
        if !self.known.values().any(is_a_pod_or_above) {
            return Err(Trouble::Malformed {
                path: self.files.path_of(""),
                wanted: "cgroup of pods (kubepods)",
            });
        }
        Ok(())
    }
}
