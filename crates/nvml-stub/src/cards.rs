//! Cards of real models: what each supports. From recorded outputs of `nvidia-smi -q`, of which what stands as N/A there is not here:
//! T4 and A10G of EC2 under driver 515, A100 with MIG under 535, H100, H200, both with MIG, and L40S under 590 and 595, and a Turing
//! card under 595 for what the older drivers do not print. Not recorded anywhere, so from NVIDIA's documentation: fields (energy, throttle
//! times, traffic), which `nvidia-smi -q` does not print, SRAM status of A10G and A100, and an A100 without MIG.

use crate::{
    parts,
    state::{Gpu, Node},
};

/// A model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// Turing, in g4dn: the last generation that retires pages.
    T4,
    /// Ampere, in g5: remaps rows.
    A10G,
    /// Ampere, in p4d.
    A100,
    /// The same with two MIG instances: utilisation of everything and row remapping are N/A.
    A100Mig,
    /// Hopper, in p5: GPM, SRAM status.
    H100,
    /// Hopper, in p5e.
    H200,
    /// Ada, in g6e: neither NVLink nor high-bandwidth memory.
    L40S,
    /// Blackwell, in p6: the fifth NVLink, which counts other errors.
    B200,
}

/// What every model answers: quantity and value.
const EVERY: &[(&str, u64)] = &[
    ("bar1.total", 256 << 20),
    ("bar1.used", 6 << 20),
    ("clock.graphics", 1410),
    ("clock.memory", 1593),
    ("clock.sm", 1410),
    ("clock.video", 1275),
    ("clock.max.graphics", 1980),
    ("clock.max.memory", 2619),
    ("clock.max.sm", 1980),
    ("clock.max.video", 1545),
    ("decoder", 3),
    ("encoder", 2),
    ("event.reasons", 0),
    ("jpeg", 0),
    ("link.generation", 4),
    ("link.generation.max", 4),
    ("link.width", 16),
    ("link.width.max", 16),
    ("memory.free", 10 << 30),
    ("memory.reserved", 1 << 29),
    ("memory.used", 5 << 30),
    ("memory.utilization", 21),
    ("ofa", 0),
    ("performance.state", 0),
    ("persistence", 1),
    ("power", 71_500),
    ("power.limit", 300_000),
    ("temperature", 41),
    ("utilization", 37),
];

/// Energy, throttle times, recovery action.
const EVERY_FIELD: &[(u32, u64)] =
    &[(83, 5_000_000), (74, 0), (75, 0), (76, 0), (77, 0), (78, 0), (79, 0), (94, 0), (230, 0)];

impl Card {
    /// The model's name, as the driver has it.
    pub fn model(self) -> &'static str {
        match self {
            Self::T4 => "Tesla T4",
            Self::A10G => "NVIDIA A10G",
            Self::A100 | Self::A100Mig => "NVIDIA A100-SXM4-40GB",
            Self::H100 => "NVIDIA H100 80GB HBM3",
            Self::H200 => "NVIDIA H200",
            Self::L40S => "NVIDIA L40S",
            Self::B200 => "NVIDIA B200",
        }
    }

    fn remaps_rows(self) -> bool {
        !matches!(self, Self::T4 | Self::A100Mig)
    }

    fn retires_pages(self) -> bool {
        self == Self::T4
    }

    /// Banks of memory, all of which have all their spare rows.
    fn banks(self) -> u64 {
        match self {
            Self::T4 | Self::A100Mig => 0,
            Self::A10G | Self::L40S => 192,
            Self::A100 => 640,
            Self::H100 => 2560,
            Self::H200 => 3072,
            Self::B200 => 5120,
        }
    }

    pub(crate) fn has_nvlink(self) -> bool {
        matches!(self, Self::A100 | Self::A100Mig | Self::H100 | Self::H200 | Self::B200)
    }

    pub(crate) fn is_hopper_or_later(self) -> bool {
        matches!(self, Self::H100 | Self::H200 | Self::B200)
    }

    /// A healthy one at `index`.
    pub fn gpu(self, index: usize) -> Gpu {
        let mut gpu = Gpu {
            uuid: format!("GPU-{index:08x}-1111-2222-3333-444455556666"),
            name: self.model().to_owned(),
            serial: format!("16512206{index:05}"),
            pci: format!("00000000:{:02X}:00.0", 0x10 + index),
            vbios: "96.00.A5.00.01".to_owned(),
            numbers: EVERY.iter().map(|(quantity, value)| ((*quantity).to_owned(), *value)).collect(),
            fields: EVERY_FIELD.iter().copied().collect(),
            ..Gpu::default()
        };
        gpu.set("minor", index as u64);
        for kind in ["corrected", "uncorrected"] {
            gpu.set(&format!("ecc.aggregate.{kind}.dram"), 0);
            gpu.set(&format!("ecc.aggregate.{kind}.sram"), 0);
            gpu.set(&format!("ecc.volatile.{kind}.dram"), 0);
            gpu.set(&format!("ecc.volatile.{kind}.sram"), 0);
        }
        if self.retires_pages() {
            gpu.set("retired.single", 0).set("retired.double", 0).set("retired.pending", 0);
        } else {
            gpu.set("sram.uncorrected", 0).set("sram.threshold", 0);
        }
        match self {
            Self::T4 => gpu.set("link.generation", 3).set("link.generation.max", 3).set("link.width", 8),
            // The only one of them with a fan, as the driver has it: it stands at 0 %.
            Self::A10G => gpu.set("link.width", 8).set("fan.0", 0),
            Self::H100 | Self::H200 | Self::B200 => {
                gpu.set("link.generation", 5).set("link.generation.max", 5)
            }
            Self::A100 | Self::A100Mig | Self::L40S => &mut gpu,
        };
        if self.remaps_rows() {
            gpu.fields.extend([(142, 0), (143, 0), (144, 0), (145, 0)]);
            gpu.set("remap.histogram", self.banks());
        }
        if self.has_nvlink() {
            gpu.fields.extend([(82, 39), (138, 1 << 20), (139, 1 << 21)]);
            gpu.fields.extend([(38, 0), (45, 0), (52, 0), (59, 0)]);
        }
        if self.is_hopper_or_later() {
            gpu.fields.extend([
                (197, 1 << 30),
                (198, 1 << 31),
                (173, 0),
                (174, 0),
                (176, 0),
                (179, 0),
                (180, 0),
            ]);
        }
        if self == Self::A100Mig {
            gpu.set("mig.mode", 1).not_supported("utilization").not_supported("memory.utilization");
            for engine in ["encoder", "decoder", "jpeg", "ofa"] {
                gpu.not_supported(engine);
            }
            gpu.instances = (0..2).map(|number| instance(&gpu, number)).collect();
        }
        parts::fit(self, &mut gpu);
        gpu
    }

    /// A machine with `count` of them.
    pub fn node(self, count: usize) -> Node {
        Node {
            // Blackwell's has other numbers for some fields than those of before 580.82.
            driver: if self == Self::B200 { "580.95.05" } else { "575.57.08" }.to_owned(),
            cuda: 12_090,
            gpus: (0..count).map(|index| self.gpu(index)).collect(),
            ..Node::default()
        }
    }
}

fn instance(parent: &Gpu, number: u32) -> Gpu {
    let mut instance = Gpu {
        uuid: parent.uuid.replacen("GPU-", "MIG-", 1) + &format!("-{number}"),
        name: format!("{} MIG 3g.20gb", parent.name),
        ..Gpu::default()
    };
    instance.set("memory.free", 15 << 30).set("memory.used", 4 << 30).set("memory.reserved", 0);
    instance.set("instance", u64::from(number) + 1).set("compute.instance", 0);
    instance.set("slices", 3).set("placement", u64::from(number) * 4);
    for kind in ["corrected", "uncorrected"] {
        instance.set(&format!("ecc.volatile.{kind}.sram"), 0);
    }
    instance
}
