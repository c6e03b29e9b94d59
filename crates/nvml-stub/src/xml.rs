//! The state as `nvidia-smi -q -x` prints it: elements, units and words of drivers since R570 (`nvsmi_device_v13.dtd`), as far as Weir has
//! figures of them.

use std::fmt::Write as _;

use crate::state::{Gpu, Node};

/// The document. A GPU that does not answer is left out.
pub fn smi_xml(node: &Node) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM \"nvsmi_device_v13.dtd\">\n<nvidia_smi_log>\n\
         \t<driver_version>{}</driver_version>\n\t<attached_gpus>{}</attached_gpus>\n",
        node.driver,
        node.gpus.len()
    );
    for gpu in node.gpus.iter().filter(|gpu| gpu.faults.is_empty()) {
        let _ = write!(xml, "\t<gpu id=\"{}\">\n\t\t<product_name>{}</product_name>\n", gpu.pci, gpu.name);
        let _ = writeln!(xml, "\t\t<uuid>{}</uuid>", gpu.uuid);
        for (element, said) in elements(gpu) {
            let _ = writeln!(xml, "\t\t{}", nested(element, &said));
        }
        xml.push_str("\t</gpu>\n");
    }
    xml + "</nvidia_smi_log>\n"
}

/// `said` within the elements of a path such as `pci/replay_counter`.
fn nested(path: &str, said: &str) -> String {
    let inner = said.to_owned();
    path.rsplit('/').fold(inner, |inner, name| format!("<{name}>{inner}</{name}>"))
}

/// Elements within a GPU's, in an order of their own, and what stands in each. Neighbours of one parent have each a parent to themselves: to
/// whoever looks for an element by its path that is the same.
fn elements(gpu: &Gpu) -> Vec<(&'static str, String)> {
    let number = |quantity: &str| gpu.numbers.get(quantity).copied();
    let or_none = |said: Option<String>| said.unwrap_or_else(|| "N/A".to_owned());
    let with = |quantity: &str, unit: &str| or_none(number(quantity).map(|value| format!("{value}{unit}")));
    let watts = |quantity: &str| {
        or_none(number(quantity).map(|value| format!("{}.{:02} W", value / 1000, value % 1000 / 10)))
    };
    let memory = |quantity: &str| or_none(number(quantity).map(|bytes| format!("{} MiB", bytes >> 20)));
    let word =
        |value: Option<u64>, words: &[&str]| or_none(value.map(|value| words[value as usize].to_owned()));
    let is = |value| word(value, &["No", "Yes"]);
    let field = |id: u32| gpu.fields.get(&id).copied();
    let counted = |id: u32, unit: &str| or_none(field(id).map(|value| format!("{value}{unit}")));
    let reason = |bit: u64| {
        word(number("event.reasons").map(|reasons| u64::from(reasons & bit != 0)), &["Not Active", "Active"])
    };
    let total: u64 = ["memory.used", "memory.free", "memory.reserved"].into_iter().filter_map(number).sum();
    let mut all = vec![
        ("persistence_mode", word(number("persistence"), &["Disabled", "Enabled"])),
        (
            "gpu_recovery_action",
            word(field(230), &["None", "Reset", "Reboot", "Drain P2P", "Drain and Reset"]),
        ),
        ("pci/pci_gpu_link_info/pcie_gen/max_link_gen", with("link.generation.max", "")),
        ("pci/pci_gpu_link_info/pcie_gen/current_link_gen", with("link.generation", "")),
        ("pci/pci_gpu_link_info/link_widths/max_link_width", with("link.width.max", "x")),
        ("pci/pci_gpu_link_info/link_widths/current_link_width", with("link.width", "x")),
        ("pci/replay_counter", counted(94, "")),
        ("pci/replay_rollover_counter", counted(95, "")),
        ("fan_speed", with("fan.0", " %")),
        ("performance_state", or_none(number("performance.state").map(|state| format!("P{state}")))),
        ("clocks_event_reasons/clocks_event_reason_gpu_idle", reason(0x1)),
        ("clocks_event_reasons/clocks_event_reason_sw_power_cap", reason(0x4)),
        ("clocks_event_reasons/clocks_event_reason_hw_slowdown", reason(0x8)),
        ("clocks_event_reasons/clocks_event_reason_sync_boost", reason(0x10)),
        ("clocks_event_reasons/clocks_event_reason_sw_thermal_slowdown", reason(0x20)),
        ("clocks_event_reasons/clocks_event_reason_hw_thermal_slowdown", reason(0x40)),
        ("clocks_event_reasons/clocks_event_reason_hw_power_brake_slowdown", reason(0x80)),
        ("clocks_event_reasons/clocks_event_reason_applications_clocks_setting", reason(0x2)),
        ("clocks_event_reasons/clocks_event_reason_display_clocks_setting", reason(0x100)),
        ("fb_memory_usage/total", format!("{} MiB", total >> 20)),
        ("fb_memory_usage/reserved", memory("memory.reserved")),
        ("fb_memory_usage/used", memory("memory.used")),
        ("fb_memory_usage/free", memory("memory.free")),
        ("bar1_memory_usage/total", memory("bar1.total")),
        ("bar1_memory_usage/used", memory("bar1.used")),
        ("utilization/gpu_util", with("utilization", " %")),
        ("utilization/memory_util", with("memory.utilization", " %")),
        ("utilization/encoder_util", with("encoder", " %")),
        ("utilization/decoder_util", with("decoder", " %")),
        ("utilization/jpeg_util", with("jpeg", " %")),
        ("utilization/ofa_util", with("ofa", " %")),
        ("ecc_errors/volatile/sram_correctable", with("ecc.volatile.corrected.sram", "")),
        ("ecc_errors/volatile/sram_uncorrectable", with("ecc.volatile.uncorrected.sram", "")),
        ("ecc_errors/volatile/dram_correctable", with("ecc.volatile.corrected.dram", "")),
        ("ecc_errors/volatile/dram_uncorrectable", with("ecc.volatile.uncorrected.dram", "")),
        ("ecc_errors/aggregate/sram_correctable", with("ecc.aggregate.corrected.sram", "")),
        ("ecc_errors/aggregate/sram_uncorrectable", with("ecc.aggregate.uncorrected.sram", "")),
        ("ecc_errors/aggregate/dram_correctable", with("ecc.aggregate.corrected.dram", "")),
        ("ecc_errors/aggregate/dram_uncorrectable", with("ecc.aggregate.uncorrected.dram", "")),
        ("ecc_errors/aggregate/sram_threshold_exceeded", is(number("sram.threshold"))),
        ("retired_pages/multiple_single_bit_retirement/retired_count", with("retired.single", "")),
        ("retired_pages/double_bit_retirement/retired_count", with("retired.double", "")),
        ("retired_pages/pending_retirement", is(number("retired.pending"))),
        ("temperature/gpu_temp", with("temperature", " C")),
        ("temperature/memory_temp", counted(82, " C")),
        ("gpu_power_readings/average_power_draw", watts("power")),
        ("gpu_power_readings/current_power_limit", watts("power.limit")),
        ("clocks/graphics_clock", with("clock.graphics", " MHz")),
        ("clocks/sm_clock", with("clock.sm", " MHz")),
        ("clocks/mem_clock", with("clock.memory", " MHz")),
        ("clocks/video_clock", with("clock.video", " MHz")),
        ("max_clocks/sm_clock", with("clock.max.sm", " MHz")),
        ("max_clocks/mem_clock", with("clock.max.memory", " MHz")),
        ("max_clocks/graphics_clock", with("clock.max.graphics", " MHz")),
        ("max_clocks/video_clock", with("clock.max.video", " MHz")),
    ];
    all.extend(of_parts(gpu));
    if field(142).is_some() {
        all.push(("remapped_rows/remapped_row_corr", counted(142, "")));
        all.push(("remapped_rows/remapped_row_unc", counted(143, "")));
        all.push(("remapped_rows/remapped_row_pending", is(field(144))));
        all.push(("remapped_rows/remapped_row_failure", is(field(145))));
        let banks = with("remap.histogram", " bank(s)");
        all.push(("remapped_rows/row_remapper_histogram/row_remapper_histogram_max", banks));
        for element in [
            "remapped_rows/row_remapper_histogram/row_remapper_histogram_high",
            "remapped_rows/row_remapper_histogram/row_remapper_histogram_partial",
            "remapped_rows/row_remapper_histogram/row_remapper_histogram_low",
            "remapped_rows/row_remapper_histogram/row_remapper_histogram_none",
        ] {
            all.push((element, "0 bank(s)".to_owned()));
        }
    } else {
        all.push(("remapped_rows", "N/A".to_owned()));
    }
    all
}

/// What `parts` gives a card, as far as it is printed.
fn of_parts(gpu: &Gpu) -> Vec<(&'static str, String)> {
    let or_none = |said: Option<String>| said.unwrap_or_else(|| "N/A".to_owned());
    let number = |quantity: &str| gpu.numbers.get(quantity).copied();
    let with = |quantity: &str, unit: &str| or_none(number(quantity).map(|value| format!("{value}{unit}")));
    let is = |quantity: &str| {
        or_none(number(quantity).map(|value| if value == 0 { "No" } else { "Yes" }.to_owned()))
    };
    let watts = |value: Option<&u64>| {
        or_none(value.map(|value| format!("{}.{:02} W", value / 1000, value % 1000 / 10)))
    };
    let degrees =
        |id: u32| or_none(gpu.fields.get(&id).map(|value| format!("{} C", (*value as u32).cast_signed())));
    let source = |source: &str| {
        let errors = number(&format!("sram.source.{source}")).unwrap_or(0);
        or_none(number("sram.threshold").map(|_| errors.to_string()))
    };
    let module = gpu.scoped.get(&1).and_then(|module| module.get(&186));
    vec![
        ("gpu_power_readings/instant_power_draw", watts(gpu.fields.get(&186))),
        ("gpu_power_readings/min_power_limit", watts(gpu.fields.get(&187))),
        ("gpu_power_readings/max_power_limit", watts(gpu.fields.get(&188))),
        ("gpu_power_readings/default_power_limit", watts(gpu.fields.get(&189))),
        ("gpu_power_readings/requested_power_limit", watts(gpu.fields.get(&192))),
        ("module_power_readings/instant_power_draw", watts(module)),
        ("temperature/gpu_temp_tlimit", with("temperature.margin", " C")),
        ("temperature/gpu_temp_max_threshold", with("temperature.limit.0", " C")),
        ("temperature/gpu_temp_slow_threshold", with("temperature.limit.1", " C")),
        ("temperature/gpu_temp_max_mem_threshold", with("temperature.limit.2", " C")),
        ("temperature/gpu_temp_max_gpu_threshold", with("temperature.limit.3", " C")),
        ("temperature/gpu_temp_max_tlimit_threshold", degrees(193)),
        ("temperature/gpu_temp_slow_tlimit_threshold", degrees(194)),
        ("temperature/gpu_temp_max_mem_tlimit_threshold", degrees(195)),
        ("temperature/gpu_temp_max_gpu_tlimit_threshold", degrees(196)),
        ("encoder_stats/session_count", with("encoder.sessions", "")),
        ("encoder_stats/average_fps", with("encoder.frame_rate", "")),
        ("ecc_errors/aggregate_uncorrectable_sram_sources/sram_l2", source("l2")),
        ("ecc_errors/aggregate_uncorrectable_sram_sources/sram_sm", source("sm")),
        ("ecc_errors/aggregate_uncorrectable_sram_sources/sram_pcie", source("pcie")),
        ("ecc_errors/aggregate_uncorrectable_sram_sources/sram_microcontroller", source("mcu")),
        ("ecc_errors/aggregate_uncorrectable_sram_sources/sram_other", source("other")),
        ("ecc_errors/channel_repair_pending", is("repair.channel")),
        ("ecc_errors/tpc_repair_pending", is("repair.tpc")),
    ]
}
