//! Which of what the kubelet gave away is this GPU, or an instance of it.

use std::sync::Arc;

use weir_kubelet::{Assignment, Claim, Device, DeviceId};

use super::{super::session::Who, Owner};

/// The driver of NVIDIA's resource claims.
pub(super) const CLAIM_DRIVER: &str = "gpu.nvidia.com";

/// A MIG device: a compute instance of a GPU instance. Those of one GPU instance share its memory.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::nvml) struct Mig {
    pub(in crate::nvml) uuid: String,
    /// The GPU instance.
    pub(in crate::nvml) instance: u32,
    /// Where the GPU instance begins on the GPU, in slices of memory.
    pub(in crate::nvml) start: Option<u32>,
    /// Which part of the GPU's slices the GPU instance has.
    pub(in crate::nvml) share: Option<f64>,
}

/// What a container has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The GPU, or a share of its time.
    Whole,
    /// A GPU instance, a compute instance of it, or a share of its time.
    Instance(u32),
}

impl Held {
    pub(super) fn instance(self) -> Option<u32> {
        match self {
            Self::Whole => None,
            Self::Instance(instance) => Some(instance),
        }
    }
}

/// Everything that containers have of the GPU, a row a share.
pub(super) fn tenants(who: &Who, migs: &[Mig], assigned: &[Assignment]) -> Vec<(Held, Arc<Owner>)> {
    let row = |one: &Assignment| {
        let held = match &one.device {
            Device::Plugin { id, .. } => of_plugin(who, migs, id),
            Device::Claim(claim) => of_claim(who, migs, claim),
        };
        Some((held?, Arc::new(Owner::of(&one.namespace, &one.pod, &one.container))))
    };
    assigned.iter().filter_map(row).collect()
}

fn of_plugin(who: &Who, migs: &[Mig], id: &DeviceId) -> Option<Held> {
    match id {
        DeviceId::Gpu { uuid, .. } => (*uuid == who.uuid).then_some(Held::Whole),
        DeviceId::Mig { uuid, .. } => migs
            .iter()
            .find(|mig| mig.uuid == *uuid)
            .map(|mig| Held::Instance(mig.instance))
            .or_else(|| of_older_mig(who, uuid)),
        DeviceId::Minor { minor, gpu_instance, .. } => {
            let held = gpu_instance.map_or(Held::Whole, Held::Instance);
            (Some(*minor) == who.minor).then_some(held)
        }
        DeviceId::Other(_) => None,
    }
}

/// `MIG-GPU-<uuid>/<GPU instance>/<compute instance>`, as drivers before R470 had it.
fn of_older_mig(who: &Who, uuid: &str) -> Option<Held> {
    let mut rest = uuid.strip_prefix("MIG-")?.strip_prefix(&*who.uuid)?.strip_prefix('/')?.split('/');
    let instance = rest.next()?.parse().ok()?;
    let _compute: u32 = rest.next()?.parse().ok()?;
    rest.next().is_none().then_some(Held::Instance(instance))
}

/// NVIDIA's driver of claims calls a GPU `gpu-<minor>`. An instance is `gpu-<minor>-mig-` with the profile's name, mostly its number, and where it begins;
/// in older releases the profile's number, where it begins, and how long it is.
fn of_claim(who: &Who, migs: &[Mig], claim: &Claim) -> Option<Held> {
    if claim.driver != CLAIM_DRIVER {
        return None;
    }
    let rest = claim.device.strip_prefix("gpu-")?;
    let (minor, instance) =
        rest.split_once("-mig-").map_or((rest, None), |(minor, instance)| (minor, Some(instance)));
    if minor.parse().ok() != who.minor || who.minor.is_none() {
        return None;
    }
    let Some(instance) = instance else { return Some(Held::Whole) };
    let fields: Vec<&str> = instance.split('-').collect();
    let start = match *fields.as_slice() {
        [profile, start, _size] if profile.parse::<u32>().is_ok() => start,
        [_, .., start] => start,
        _ => return None,
    };
    let start: u32 = start.parse().ok()?;
    migs.iter().find(|mig| mig.start == Some(start)).map(|mig| Held::Instance(mig.instance))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "GPU-8b1f54a1-79de-4b25-a1ab-3d8c5b2f9e11";
    const MIG: &str = "MIG-2f9e1154-de79-5b25-a1ab-3d8c5b2f8b1f";

    fn who() -> Who {
        Who { uuid: UUID.to_owned(), index: 0, minor: Some(3), ..Who::default() }
    }

    fn migs() -> Vec<Mig> {
        let mig = |uuid: &str, instance, start| Mig {
            uuid: uuid.to_owned(),
            instance,
            start: Some(start),
            share: Some(3.0 / 7.0),
        };
        vec![mig(MIG, 1, 0), mig("MIG-other", 2, 4)]
    }

    fn held(device: Device) -> Option<Held> {
        let one =
            Assignment { namespace: "ml".into(), pod: "job-0".into(), container: "main".into(), device };
        let mut all = tenants(&who(), &migs(), &[one]);
        assert!(all.len() <= 1);
        all.pop().map(|(held, owner)| {
            assert_eq!(*owner, Owner::of("ml", "job-0", "main"));
            held
        })
    }

    fn plugin(id: &str) -> Option<Held> {
        held(Device::Plugin { resource: "nvidia.com/gpu".into(), id: DeviceId::parse(id) })
    }

    fn claim(driver: &str, device: &str) -> Option<Held> {
        held(Device::Claim(Claim {
            name: "one".to_owned(),
            driver: driver.to_owned(),
            pool: "node-1".to_owned(),
            device: device.to_owned(),
            cdi: vec![],
        }))
    }

    #[test]
    fn ids_of_every_device_plugin_find_their_gpu_or_instance() {
        let known = [
            (UUID.to_owned(), Some(Held::Whole)),
            (format!("{UUID}::2"), Some(Held::Whole)),
            (MIG.to_owned(), Some(Held::Instance(1))),
            (format!("{MIG}::7"), Some(Held::Instance(1))),
            (format!("MIG-{UUID}/5/1"), Some(Held::Instance(5))),
            ("nvidia3".to_owned(), Some(Held::Whole)),
            ("nvidia3/gi2/vgpu0".to_owned(), Some(Held::Instance(2))),
            // Others' GPUs.
            ("GPU-00000000-79de-4b25-a1ab-3d8c5b2f9e11".to_owned(), None),
            ("MIG-unknown".to_owned(), None),
            ("MIG-GPU-00000000-79de-4b25-a1ab-3d8c5b2f9e11/1/0".to_owned(), None),
            (format!("MIG-{UUID}/1"), None),
            (format!("MIG-{UUID}/1/0/0"), None),
            ("nvidia0".to_owned(), None),
            ("efa0".to_owned(), None),
        ];
        for (id, expected) in known {
            assert_eq!(plugin(&id), expected, "{id}");
        }
    }

    #[test]
    fn devices_of_claims_are_found_by_minor_number_and_placement() {
        let known = [
            ("gpu-3", Some(Held::Whole)),
            ("gpu-3-mig-3g20gb-9-4", Some(Held::Instance(2))),
            ("gpu-3-mig-3g20gb-4", Some(Held::Instance(2))),
            ("gpu-3-mig-9-4-4", Some(Held::Instance(2))),
            ("gpu-3-mig-3g20gb-9-0", Some(Held::Instance(1))),
            ("gpu-3-mig-3g20gb-9-2", None),
            ("gpu-3-mig-", None),
            ("gpu-0", None),
            ("gpu-", None),
            ("gpu-vfio-3", None),
        ];
        for (device, expected) in known {
            assert_eq!(claim("gpu.nvidia.com", device), expected, "{device}");
        }
        assert_eq!(claim("gpu.example.com", "gpu-3"), None, "another's driver");
    }

    #[test]
    fn without_a_minor_number_no_claim_is_taken_for_this_gpu() {
        let who = Who { minor: None, ..who() };
        let claim = Claim {
            name: String::new(),
            driver: CLAIM_DRIVER.to_owned(),
            pool: String::new(),
            device: "gpu-x".to_owned(),
            cdi: vec![],
        };
        assert_eq!(of_claim(&who, &[], &claim), None);
    }

    proptest! {
        #[test]
        fn any_name_of_a_claims_device_is_read_without_a_panic(device in r"(gpu|mig|-|[0-9]{0,9}|[0-9]g[0-9]+gb|é){0,9}") {
            let _ = claim(CLAIM_DRIVER, &device);
        }
    }
}
