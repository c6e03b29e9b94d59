//! What the id that a device plugin gave to a container names.

use std::fmt;

/// A device as NVIDIA's device plugin (EKS, and elsewhere) or GKE's calls it.
///
/// A card or instance that several containers share has one id a share: `<id>::<replica>`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum DeviceId {
    /// A whole card, or a share of its time: `GPU-<uuid>`.
    Gpu {
        /// As NVML gives it, `GPU-` included.
        uuid: String,
        /// Which share of it.
        replica: Option<String>,
    },
    /// A MIG instance, or a share of its time: `MIG-<uuid>`.
    Mig {
        /// As NVML gives it, `MIG-` included.
        uuid: String,
        /// Which share of it.
        replica: Option<String>,
    },
    /// A card by its minor number, as GKE has it: `nvidia0`, `nvidia0/gi1`, `nvidia0/gi1/vgpu0`.
    Minor {
        /// The number in `/dev/nvidia<minor>`.
        minor: u32,
        /// The GPU instance on it.
        gpu_instance: Option<u32>,
        /// Which share of it.
        share: Option<u32>,
    },
    /// None of these: another vendor's device, or a form that is not known here.
    Other(String),
}

impl DeviceId {
    /// Reads an id; what it does not know is kept as it is.
    pub fn parse(id: &str) -> Self {
        let (device, replica) = match id.split_once("::") {
            Some((device, replica)) => (device, Some(replica.to_owned())),
            None => (id, None),
        };
        if device.len() > 4 && device.starts_with("GPU-") {
            return Self::Gpu { uuid: device.to_owned(), replica };
        }
        if device.len() > 4 && device.starts_with("MIG-") {
            return Self::Mig { uuid: device.to_owned(), replica };
        }
        minor(id).unwrap_or_else(|| Self::Other(id.to_owned()))
    }

    /// Whether others may have been given the same card or instance.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Gpu { replica, .. } | Self::Mig { replica, .. } => replica.is_some(),
            Self::Minor { share, .. } => share.is_some(),
            Self::Other(_) => false,
        }
    }
}

fn minor(id: &str) -> Option<DeviceId> {
    let mut parts = id.split('/');
    let minor = number(parts.next()?, "nvidia")?;
    let (mut gpu_instance, mut share) = (None, None);
    for part in parts {
        match (number(part, "gi"), number(part, "vgpu")) {
            (Some(instance), _) if gpu_instance.is_none() && share.is_none() => gpu_instance = Some(instance),
            (_, Some(number)) if share.is_none() => share = Some(number),
            _ => return None,
        }
    }
    Some(DeviceId::Minor { minor, gpu_instance, share })
}

/// The digits after `name`, and nothing else: no sign, no space.
fn number(part: &str, name: &str) -> Option<u32> {
    let digits = part.strip_prefix(name)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// As it was read.
impl fmt::Display for DeviceId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu { uuid, replica } | Self::Mig { uuid, replica } => {
                to.write_str(uuid)?;
                replica.iter().try_for_each(|replica| write!(to, "::{replica}"))
            }
            Self::Minor { minor, gpu_instance, share } => {
                write!(to, "nvidia{minor}")?;
                gpu_instance.iter().try_for_each(|instance| write!(to, "/gi{instance}"))?;
                share.iter().try_for_each(|share| write!(to, "/vgpu{share}"))
            }
            Self::Other(id) => to.write_str(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gpu(uuid: &str, replica: Option<&str>) -> DeviceId {
        DeviceId::Gpu { uuid: uuid.to_owned(), replica: replica.map(str::to_owned) }
    }

    fn mig(uuid: &str, replica: Option<&str>) -> DeviceId {
        DeviceId::Mig { uuid: uuid.to_owned(), replica: replica.map(str::to_owned) }
    }

    fn minor(minor: u32, gpu_instance: Option<u32>, share: Option<u32>) -> DeviceId {
        DeviceId::Minor { minor, gpu_instance, share }
    }

    #[test]
    fn every_form_that_device_plugins_give_is_read() {
        let card = "GPU-8b1f54a1-79de-4b25-a1ab-3d8c5b2f9e11";
        let instance = "MIG-2f9e1154-de79-5b25-a1ab-3d8c5b2f8b1f";
        let known = [
            (card.to_owned(), gpu(card, None), false),
            (format!("{card}::3"), gpu(card, Some("3")), true),
            (instance.to_owned(), mig(instance, None), false),
            (format!("{instance}::7"), mig(instance, Some("7")), true),
            // As drivers before R470 named instances: the card, its GPU instance and its compute instance.
            (format!("MIG-{card}/1/0"), mig(&format!("MIG-{card}/1/0"), None), false),
            ("nvidia0".to_owned(), minor(0, None, None), false),
            ("nvidia11/gi2".to_owned(), minor(11, Some(2), None), false),
            ("nvidia0/gi1/vgpu0".to_owned(), minor(0, Some(1), Some(0)), true),
            ("nvidia3/vgpu1".to_owned(), minor(3, None, Some(1)), true),
        ];
        for (text, id, shared) in known {
            assert_eq!((DeviceId::parse(&text), id.is_shared()), (id, shared), "{text}");
        }
    }

    #[test]
    fn what_is_no_known_form_is_kept() {
        for id in [
            "",
            "GPU-",
            "MIG-",
            "nvidia",
            "nvidia0/",
            "nvidia0/gi",
            "nvidia+1",
            "nvidia0/vgpu1/gi1",
            "nvidia99999999999",
            "0000:17:00.0",
        ] {
            assert_eq!(DeviceId::parse(id), DeviceId::Other(id.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn nothing_of_an_id_is_lost(id in r"(GPU-|MIG-|nvidia|gi|vgpu|::|/|[0-9a-f-]{0,9}){0,6}") {
            let read = DeviceId::parse(&id);
            // Leading zeros are the one thing that a number does not keep; no plugin writes them.
            if !matches!(read, DeviceId::Minor { .. }) {
                prop_assert_eq!(read.to_string(), id);
            }
        }
    }
}
