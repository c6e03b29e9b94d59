//! What the container of an id is called, by the names of the node's log files.
//!
//! The kubelet's API knows no ids of containers, a cgroup knows no names. Every node has both in the names of the links in `/var/log/containers`, which the
//! kubelet makes for log shippers: `<pod>_<namespace>_<container>-<id>.log`.

use std::{collections::HashMap, fs, io, path::Path, sync::Arc};

use super::Owner;

/// Below the node's root.
const FOLDER: &str = "var/log/containers";
/// A node has some hundred containers; what a folder has beyond this is not read.
const MOST: usize = 20_000;

/// Containers by id.
#[derive(Debug, Default, PartialEq)]
pub(in crate::nvml) struct Names(HashMap<String, Arc<Owner>>);

impl Names {
    /// Reads them below the node's root.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let files = fs::read_dir(root.join(FOLDER))?.take(MOST).filter_map(Result::ok);
        let named = files.filter_map(|file| named(file.file_name().to_str()?));
        Ok(Self(named.collect()))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Arc<Owner>> {
        self.0.get(id)
    }
}

#[cfg(test)]
impl FromIterator<(String, Arc<Owner>)> for Names {
    fn from_iter<T: IntoIterator<Item = (String, Arc<Owner>)>>(named: T) -> Self {
        Self(named.into_iter().collect())
    }
}

/// The id and the names in the name of a link. None of the names may have a `_` in it.
fn named(file: &str) -> Option<(String, Arc<Owner>)> {
    let (names, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
    let mut names = names.split('_');
    let (pod, namespace, container) = (names.next()?, names.next()?, names.next()?);
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let whole = is_id && names.next().is_none() && ![pod, namespace, container].contains(&"");
    whole.then(|| (id.to_owned(), Arc::new(Owner::of(namespace, pod, container))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_name_of_a_link_says_pod_namespace_and_container() {
        let (id, owner) = named(&format!("job-0-x7f_ml_side-car-{ID}.log")).unwrap();
        assert_eq!((id.as_str(), &*owner), (ID, &Owner::of("ml", "job-0-x7f", "side-car")));
        for other in [
            "",
            ".log",
            "a_b_c.log",
            &format!("a_b_c-{ID}"),
            &format!("a_b-{ID}.log"),
            &format!("a_b_c_d-{ID}.log"),
            &format!("_b_c-{ID}.log"),
            &format!("a_b_c-{}.log", &ID[1..]),
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(file in r"([a-z]{0,4}|_|-|[0-9a-f]{64}|\.log|é){0,8}") {
            let _ = named(&file);
        }
    }
}
