//! Which pod and which container a cgroup belongs to, told by its path alone.
//!
//! | driver | path |
//! | --- | --- |
//! | systemd | `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope` |
//! | cgroupfs | `/kubepods/burstable/pod<uid>/<id>` |
//! | systemd, named in containerd's own cgroup | `/system.slice/containerd.service/kubepods-burstable-pod<uid>.slice:cri-containerd:<id>` |
//!
//! Pods of the class Guaranteed stand directly below `kubepods`. systemd's driver writes a UID with `_`; a static pod's is 32 hexadecimal digits. Whatever
//! stands before (`kubelet.slice`, `/../..` of a cgroup namespace) does not matter.

/// The quality-of-service class that Kubernetes gave a pod.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Qos {
    /// Every container's requests equal its limits.
    Guaranteed,
    /// Some requests or limits.
    Burstable,
    /// None.
    BestEffort,
}

impl Qos {
    /// As `status.qosClass` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guaranteed => "Guaranteed",
            Self::Burstable => "Burstable",
            Self::BestEffort => "BestEffort",
        }
    }
}

/// A container as its runtime calls it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ContainerId {
    /// `containerd`, `cri-o`, `docker`; none where the path does not say.
    pub runtime: Option<&'static str>,
    /// 64 hexadecimal digits.
    pub id: String,
}

/// What a cgroup's path says of pods.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PodCgroup {
    /// The pod's class.
    pub qos: Qos,
    /// The pod's UID as Kubernetes writes it, with `-`.
    pub uid: String,
    /// The container; none for the cgroup of the pod itself.
    pub container: Option<ContainerId>,
}

impl PodCgroup {
    /// Reads the path of a cgroup, as `/proc/<pid>/cgroup` or the tree under `/sys/fs/cgroup` has it. `None` where it is neither a pod's nor a container's, or one
    /// of a pod that holds no container of the pod (`crio-conmon-…`). A cgroup that a container made inside its own is that container's.
    pub fn of(path: &str) -> Option<Self> {
        let mut names = path.split('/').skip_while(|name| pod(name).is_none());
        let (name, outer) = (names.next()?, path);
        let (slice, inline) = match name.split_once(".slice:") {
            Some((slice, scope)) => (slice, Some(scope)),
            None => (name, None),
        };
        let uid = pod(slice)?;
        let container = match (inline, names.next().filter(|name| !name.is_empty())) {
            (Some(scope), _) => Some(scoped(scope)?),
            (None, Some(name)) => Some(container(name)?),
            (None, None) => None,
        };
        Some(Self { qos: qos(outer, slice), uid, container })
    }
}

/// The UID in the name of a pod's cgroup.
fn pod(name: &str) -> Option<String> {
    let slice = name.split_once(".slice").map_or(name, |(slice, _)| slice);
    let uid = match slice.rsplit_once("-pod") {
        Some((before, uid)) if before.contains("kubepods") => uid,
        Some(_) => return None,
        None => slice.strip_prefix("pod")?,
    };
    let uid = uid.replace('_', "-");
    let digits = uid.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = uid.bytes().filter(|byte| *byte == b'-').count();
    let whole = digits == 32 && (dashes == 4 || dashes == 0) && digits + dashes == uid.len();
    whole.then_some(uid)
}

fn qos(path: &str, slice: &str) -> Qos {
    let within = |class: &str| slice.contains(class) || path.split('/').any(|name| name == class);
    if within("burstable") {
        Qos::Burstable
    } else if within("besteffort") {
        Qos::BestEffort
    } else {
        Qos::Guaranteed
    }
}

/// `cri-containerd-<id>.scope`, or the id alone.
fn container(name: &str) -> Option<ContainerId> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((prefix, id)) => named(prefix, id),
        None => named("", name),
    }
}

/// `cri-containerd:<id>`.
fn scoped(scope: &str) -> Option<ContainerId> {
    let (prefix, id) = scope.split_once(':')?;
    named(prefix, id)
}

fn named(prefix: &str, id: &str) -> Option<ContainerId> {
    let runtime = match prefix {
        "" => None,
        "cri-containerd" => Some("containerd"),
        "crio" => Some("cri-o"),
        "docker" => Some("docker"),
        _ => return None,
    };
    let whole = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then(|| ContainerId { runtime, id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UID: &str = "3f1c9a52-7a64-4f0e-9d5e-0a1b2c3d4e5f";
    const ESCAPED: &str = "3f1c9a52_7a64_4f0e_9d5e_0a1b2c3d4e5f";
    const STATIC: &str = "8b6f0d6a3d1e4c5f9a7b8c9d0e1f2a3b";
    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn pods_and_containers_are_known_by_both_drivers_paths() {
        let of = |runtime| Some(ContainerId { runtime, id: ID.to_owned() });
        let slice = "/kubepods.slice/kubepods-burstable.slice";
        let cases = [
            (
                format!("{slice}/kubepods-burstable-pod{ESCAPED}.slice/cri-containerd-{ID}.scope"),
                Qos::Burstable,
                UID,
                of(Some("containerd")),
            ),
            (format!("{slice}/kubepods-burstable-pod{ESCAPED}.slice"), Qos::Burstable, UID, None),
            (
                format!(
                    "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{ESCAPED}.slice/crio-{ID}.scope"
                ),
                Qos::BestEffort,
                UID,
                of(Some("cri-o")),
            ),
            (
                format!("/kubepods.slice/kubepods-pod{ESCAPED}.slice/docker-{ID}.scope"),
                Qos::Guaranteed,
                UID,
                of(Some("docker")),
            ),
            (format!("/kubepods.slice/kubepods-pod{STATIC}.slice"), Qos::Guaranteed, STATIC, None),
            (format!("/kubepods/burstable/pod{UID}/{ID}"), Qos::Burstable, UID, of(None)),
            (format!("/kubepods/besteffort/pod{UID}/{ID}/init.scope"), Qos::BestEffort, UID, of(None)),
            (format!("/kubepods/pod{UID}"), Qos::Guaranteed, UID, None),
            (format!("/kubepods/pod{UID}/"), Qos::Guaranteed, UID, None),
            (
                format!(
                    "/system.slice/containerd.service/kubepods-burstable-pod{ESCAPED}.slice:cri-containerd:{ID}"
                ),
                Qos::Burstable,
                UID,
                of(Some("containerd")),
            ),
            (
                format!(
                    "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{ESCAPED}.slice/cri-containerd-{ID}.scope"
                ),
                Qos::BestEffort,
                UID,
                of(Some("containerd")),
            ),
            (
                format!("/../../kubepods-pod{ESCAPED}.slice/cri-containerd-{ID}.scope"),
                Qos::Guaranteed,
                UID,
                of(Some("containerd")),
            ),
        ];
        for (path, qos, uid, container) in cases {
            let expected = PodCgroup { qos, uid: uid.to_owned(), container };
            assert_eq!(PodCgroup::of(&path), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_no_pods_is_nobodys() {
        let slice = format!("/kubepods.slice/kubepods-pod{ESCAPED}.slice");
        for path in [
            "/",
            "",
            "/user.slice/user-0.slice/session-1.scope",
            "/kubepods.slice",
            "/kubepods/burstable",
            "/machine.slice/libpod-0123.scope",
            &format!("{slice}/crio-conmon-{ID}.scope"),
            &format!("{slice}/cri-containerd-{}.scope", &ID[1..]),
            &format!("/kubepods/pod{}", &UID[1..]),
            &format!("/kubepods/pod{UID}0"),
            "/kubepods/podium",
            &format!("/my-app-pod{ESCAPED}.slice"),
        ] {
            assert_eq!(PodCgroup::of(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(path in r"(/|kubepods|-pod|pod|\.slice|:|burstable|cri-containerd-|é|[0-9a-f_-]{0,64}){0,12}") {
            let found = PodCgroup::of(&path);
            prop_assert!(found.is_none_or(|found| found.uid.len() >= 32));
        }
    }
}
