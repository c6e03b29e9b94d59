//! What cards say of their parts: links, sensors' limits, repairs, the fabric, GPM. Which of it a model has is as `nvidia-smi -q` of
//! such cards shows it (T4, A10G, A100, H100, H200 and L40S by recorded outputs), and of fields, links, GPM and Blackwell as `nvml.h` says.

use crate::{cards::Card, state::Gpu};

/// Metrics of GPM that Hopper has.
const GPM: [u32; 17] = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 20, 21, 60, 61, 30];

/// Gives `gpu` what a `card` has in parts.
pub(crate) fn fit(card: Card, gpu: &mut Gpu) {
    gpu.set("encoder.sessions", 0).set("encoder.frame_rate", 0).set("encoder.latency", 0);
    fit_power(card, gpu);
    fit_temperatures(card, gpu);
    gpu.fields.insert(95, 0);
    // Milliseconds of slower clocks: the ids of the driver that the card's machine has.
    let first = if card == Card::B200 { 269 } else { 251 };
    gpu.fields.extend((first..first + 3).map(|id| (id, 0)));
    if card == Card::B200 {
        gpu.fields.extend([(251, 1), (252, 2), (253, 0)]); // power smoothing
    }
    // Errors over all places: corrected and uncorrected, since the driver was loaded and ever. Of a divided card the former are not.
    gpu.fields.extend([(5, 0), (6, 0)]);
    if card != Card::A100Mig {
        gpu.fields.extend([(3, 0), (4, 0)]);
    }
    if card.is_hopper_or_later() || card == Card::L40S {
        gpu.set("repair.channel", 0).set("repair.tpc", 0);
    }
    if card.is_hopper_or_later() {
        gpu.gpm = GPM.iter().map(|metric| (*metric, 0.0)).collect();
        gpu.set("fabric.state", 3).set("fabric.status", 0).set("fabric.health", 0).set("fabric.summary", 0);
        gpu.fields.extend([(175, 0), (177, 0), (178, 0), (181, 0), (182, 0), (183, 0)]);
    }
    if card == Card::B200 {
        // Nothing is degraded, in recovery or unhealthy (2 each); the configuration is right (1); healthy.
        gpu.set("fabric.health", 0b1_1010_1010).set("fabric.summary", 1);
    }
    if card.has_nvlink() {
        fit_links(card, gpu);
    }
}

fn fit_power(card: Card, gpu: &mut Gpu) {
    gpu.fields.extend([(186, 72_000), (187, 100_000), (188, 350_000), (189, 300_000), (192, 300_000)]);
    if !matches!(card, Card::T4 | Card::A100 | Card::A100Mig) {
        gpu.fields.insert(185, 71_500); // not on GA100
    }
}

/// Degrees, and from Ada on the margin, and limits that are relative to it.
fn fit_temperatures(card: Card, gpu: &mut Gpu) {
    if !card.is_hopper_or_later() && card != Card::L40S {
        let [shutdown, slowdown, highest] = match card {
            Card::T4 => [96, 93, 85],
            Card::A10G => [98, 95, 88],
            _ => [92, 89, 85],
        };
        gpu.set("temperature.limit.0", shutdown).set("temperature.limit.1", slowdown);
        gpu.set("temperature.limit.3", highest);
        if card.has_nvlink() {
            gpu.set("temperature.limit.2", 95);
        }
        return;
    }
    let below_zero = |degrees: i32| u64::from((-degrees).cast_unsigned());
    gpu.set("temperature.margin", 46);
    gpu.fields.extend([(193, below_zero(8)), (194, below_zero(2)), (196, 0)]);
    if card != Card::L40S {
        gpu.fields.insert(195, 0);
    }
}

fn fit_links(card: Card, gpu: &mut Gpu) {
    let links = if card.is_hopper_or_later() { 18 } else { 12 };
    gpu.fields.insert(91, links);
    let mut of_each = vec![(164, 25_000), (165, 1), (166, 5)]; // megabytes a second, active
    if card == Card::B200 {
        gpu.fields.extend((201..=222).map(|id| (id, 0)));
        for id in [38, 45, 52, 59, 138, 139] {
            gpu.fields.remove(&id); // of links before the fifth
        }
        of_each.extend((201..=222).map(|id| (id, 0)));
    } else {
        gpu.fields.insert(160, 0);
        of_each.extend([(138, 1 << 16), (139, 1 << 17), (161, 0), (162, 0), (163, 0)]);
    }
    gpu.scoped = (0..links as u32).map(|link| (link, of_each.iter().copied().collect())).collect();
}
