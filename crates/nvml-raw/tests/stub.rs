//! NVML's safe form over the stub library: every call's answer, and every way to have none.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{path::Path, thread, time::Duration};

use weir_nvml_raw::{
    ALL_LINKS, Class, Clock, ClockKind, ErrorCounter, ErrorKind, EventSet, Field, Gpm, MemoryPlace, Metric,
    Nvml, Processes, RECOVERY_ACTION, Retired, XID,
};
use weir_nvml_stub::{Card, Node, Stub, Xid};

#[test]
fn a_healthy_card_answers_what_its_state_says() {
    let mut stub = Stub::new(Card::H100.node(2)).unwrap();
    stub.change(|node| {
        node.gpus[1].set("temperature", 63).set("ecc.aggregate.uncorrected.dram", 7).set("clock.sm", 1755);
        node.gpus[1].fields.insert(83, 123_456);
        node.gpus[1].processes.push(weir_nvml_stub::Process { pid: 9, memory: 1 << 30, sm: 40 });
    })
    .unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    assert_eq!(nvml.count().unwrap(), 2);
    assert_eq!(nvml.driver_version().unwrap(), "575.57.08");
    assert_eq!(nvml.cuda_version().unwrap(), 12_090);
    let gpu = nvml.device(1).unwrap();
    assert_eq!(gpu.uuid().unwrap(), "GPU-00000001-1111-2222-3333-444455556666");
    assert_eq!(gpu.pci_bus_id().unwrap(), "00000000:11:00.0");
    assert_eq!(gpu.name().unwrap(), "NVIDIA H100 80GB HBM3");
    assert_eq!(gpu.temperature().unwrap(), 63);
    assert_eq!(gpu.utilization().unwrap(), (37, 21));
    assert_eq!(gpu.clock(Clock::Sm, ClockKind::Current).unwrap(), 1755);
    assert_eq!(gpu.clock(Clock::Memory, ClockKind::Max).unwrap(), 2619);
    assert_eq!(gpu.memory().unwrap().reserved, Some(1 << 29));
    let errors = gpu.memory_errors(ErrorKind::Uncorrected, ErrorCounter::Aggregate, MemoryPlace::Dram);
    assert_eq!(errors.unwrap(), 7);
    assert_eq!(gpu.processes().unwrap(), (1, Some(1 << 30)));
    assert_eq!(gpu.remap_histogram().unwrap(), [2560, 0, 0, 0, 0]);
    let mut fields = [Field::new(83), Field::new(9999)];
    gpu.fields(&mut fields).unwrap();
    assert_eq!(fields[0].value().unwrap().to_bits(), 123_456.0_f64.to_bits());
    assert_eq!(fields[1].value().unwrap_err().class(), Class::NotSupported);
    assert_eq!(stub.calls("nvmlDeviceGetFieldValues"), 1);
}

#[test]
fn pages_are_counted_where_there_are_some_and_where_there_are_none() {
    let mut stub = Stub::new(Card::T4.node(1)).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    assert_eq!(gpu.retired_pages(Retired::DoubleBit).unwrap(), 0);
    stub.change(|node| _ = node.gpus[0].set("retired.double", 3)).unwrap();
    assert_eq!(gpu.retired_pages(Retired::DoubleBit).unwrap(), 3);
    stub.change(|node| node.gpus[0] = Card::A10G.gpu(0)).unwrap();
    assert_eq!(gpu.retired_pages(Retired::DoubleBit).unwrap_err().class(), Class::NotSupported);
}

#[test]
fn functions_that_an_older_driver_lacks_are_not_supported_or_have_their_older_form() {
    let lacks = [
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetRowRemapperHistogram",
    ];
    let stub = Stub::without(Card::A10G.node(1), &lacks).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    assert_eq!(gpu.memory().unwrap().reserved, None);
    assert_eq!(gpu.clock_event_reasons().unwrap(), 0);
    assert_eq!(gpu.remap_histogram().unwrap_err().class(), Class::NotSupported);
}

#[test]
fn a_library_that_is_missing_or_finds_no_driver_is_an_error_that_says_so() {
    let missing = Nvml::open(Path::new("/nowhere/libnvidia-ml.so.1")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot load /nowhere/libnvidia-ml.so.1: "), "{missing}");
    for (code, class) in
        [(9, Class::Session), (18, Class::Session), (4, Class::NotAllowed), (999, Class::Other)]
    {
        let mut node = Card::T4.node(1);
        node.faults.insert("nvmlInit_v2".to_owned(), code);
        let stub = Stub::new(node).unwrap();
        assert_eq!(Nvml::open(&stub.path()).unwrap_err().class(), class);
        assert_eq!(stub.calls("nvmlShutdown"), 0, "what was not opened is not closed");
    }
}

#[test]
fn a_gpu_that_falls_off_the_bus_leaves_the_others_and_may_come_back() {
    let mut stub = Stub::new(Card::H200.node(2)).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpus = [nvml.device(0).unwrap(), nvml.device(1).unwrap()];
    stub.change(|node| _ = node.gpus[0].fails(15)).unwrap();
    assert_eq!(gpus[0].temperature().unwrap_err().class(), Class::Lost);
    assert_eq!(gpus[1].temperature().unwrap(), 41);
    stub.change(|node| node.gpus[0].faults.clear()).unwrap();
    assert_eq!(gpus[0].temperature().unwrap(), 41);
}

#[test]
fn an_xid_reaches_a_thread_that_waits_with_its_instance() {
    let mut stub = Stub::new(Card::H100.node(2)).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let devices = vec![nvml.device(0).unwrap(), nvml.device(1).unwrap()];
    let (set, registered) = EventSet::of(&nvml, devices, XID).unwrap();
    assert_eq!(registered, [Ok(XID), Ok(XID)]);
    assert_eq!(set.wait(Duration::ZERO).unwrap(), None);
    let waiting = thread::spawn(move || set.wait(Duration::from_secs(60)));
    stub.change(|node| node.gpus[1].xids.push(Xid { code: 79, instance: Some(2) })).unwrap();
    let event = waiting.join().unwrap().unwrap().unwrap();
    assert_eq!((event.device, event.kind, event.data, event.instance), (1, XID, 79, Some(2)));
}

#[test]
fn a_kind_of_events_that_a_driver_refuses_does_not_cost_the_others() {
    let mut node = Card::H100.node(2);
    node.gpus[0].set("events.refused", RECOVERY_ACTION);
    node.gpus[1].set("events.refused", XID);
    let stub = Stub::new(node).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let devices = vec![nvml.device(0).unwrap(), nvml.device(1).unwrap()];
    let (_set, registered) = EventSet::of(&nvml, devices, XID | RECOVERY_ACTION).unwrap();
    assert_eq!(registered[0], Ok(XID));
    assert!(registered[1].is_err(), "none is left out that is asked for by all: {registered:?}");
}

#[test]
fn a_share_of_more_than_all_is_no_sample() {
    let mut node = Card::L40S.node(1);
    let process = |pid, sm| weir_nvml_stub::Process { pid, memory: 0, sm };
    node.gpus[0].processes = vec![process(1, 100), process(2, 101), process(3, u32::MAX)];
    let stub = Stub::new(node).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let (gpu, mut processes) = (nvml.device(0).unwrap(), Processes::default());
    let samples: Vec<_> = processes.samples(&gpu).unwrap().map(|sample| (sample.pid, sample.sm)).collect();
    assert_eq!(samples, [(1, 100)]);
}

#[test]
fn two_samples_of_hopper_are_compared_and_older_cards_have_none() {
    let mut stub = Stub::new(Card::H100.node(2)).unwrap();
    stub.change(|node| node.gpus[1].gpm.extend([(2, 87.5), (10, 31.25)])).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let mut gpm = Gpm::of(&nvml.device(1).unwrap(), None).unwrap();
    let mut values = [None; 3];
    let metrics = [Metric(2), Metric(10), Metric(209)];
    gpm.next(&metrics, &mut values).unwrap();
    assert_eq!(values, [None; 3], "one sample says nothing");
    gpm.next(&metrics, &mut values).unwrap();
    assert_eq!(values, [Some(87.5), Some(31.25), None]);
    let older = Stub::new(Card::A100.node(1)).unwrap();
    let nvml = Nvml::open(&older.path()).unwrap();
    assert_eq!(Gpm::of(&nvml.device(0).unwrap(), None).unwrap_err().class(), Class::NotSupported);
}

#[test]
fn the_stub_compares_no_samples_in_the_wrong_order_nor_of_two_gpus_nor_with_one_that_was_not_taken() {
    use nvml_wrapper_sys::bindings::{NvmlLib, nvmlDevice_t, nvmlGpmMetricsGet_t, nvmlGpmSample_t};
    const INVALID_ARGUMENT: u32 = 2;
    let stub = Stub::new(Card::H100.node(2)).unwrap();
    // SAFETY: the library is the stub, whose initialisers do nothing.
    let lib = unsafe { NvmlLib::new(stub.path()) }.unwrap();
    macro_rules! call {
        ($function:ident($($argument:expr),*)) => {{
            let function = lib.$function.as_ref().unwrap();
            // SAFETY: the function has NVML's type, and pointers are of locals that outlive the call.
            unsafe { function($($argument),*) }
        }};
    }
    assert_eq!(call!(nvmlInit_v2()), 0);
    let mut gpus: [nvmlDevice_t; 2] = [std::ptr::null_mut(); 2];
    for (index, gpu) in (0..).zip(&mut gpus) {
        assert_eq!(call!(nvmlDeviceGetHandleByIndex_v2(index, gpu)), 0);
    }
    let mut samples: [nvmlGpmSample_t; 4] = [std::ptr::null_mut(); 4];
    for sample in &mut samples {
        assert_eq!(call!(nvmlGpmSampleAlloc(sample)), 0);
    }
    let [first, second, of_another, untaken] = samples;
    for (gpu, sample) in [(gpus[0], first), (gpus[0], second), (gpus[1], of_another)] {
        assert_eq!(call!(nvmlGpmSampleGet(gpu, sample)), 0);
    }
    let compared = |sample1: nvmlGpmSample_t, sample2: nvmlGpmSample_t| {
        // SAFETY: all zeros are a value of it: numbers, and pointers that may be null.
        let mut asked: nvmlGpmMetricsGet_t = unsafe { std::mem::zeroed() };
        (asked.version, asked.numMetrics, asked.sample1, asked.sample2) = (1, 1, sample1, sample2);
        asked.metrics[0].metricId = 2;
        call!(nvmlGpmMetricsGet(&raw mut asked))
    };
    assert_eq!(compared(first, second), 0);
    for (older, newer) in
        [(second, first), (first, first), (first, of_another), (first, untaken), (untaken, second)]
    {
        assert_eq!(compared(older, newer), INVALID_ARGUMENT);
    }
}

#[test]
fn a_field_of_a_link_is_of_that_link_and_the_sum_has_a_scope_of_its_own() {
    let mut node = Card::H100.node(1);
    node.gpus[0].fields.insert(138, 700);
    node.gpus[0].scoped.get_mut(&17).unwrap().insert(138, 41);
    let stub = Stub::new(node).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    assert_eq!(gpu.link_count(), Ok(18));
    let mut fields = [Field::of(138, ALL_LINKS), Field::of(138, 17), Field::of(138, 18), Field::of(186, 1)];
    gpu.fields(&mut fields).unwrap();
    assert_eq!(fields.map(|field| field.value().ok()), [Some(700.0), Some(41.0), None, None]);
    let mut many = [Field::of(138, 17); 300];
    let calls = stub.calls("nvmlDeviceGetFieldValues");
    gpu.fields(&mut many).unwrap();
    assert!(many.iter().all(|field| field.value() == Ok(41.0)));
    assert_eq!(stub.calls("nvmlDeviceGetFieldValues") - calls, 3, "128 in a call");
}

#[test]
fn fields_that_were_renumbered_have_the_id_of_the_driver_that_runs() {
    for (driver, id) in [("575.57.08", Some(252)), ("580.95.05", Some(270)), ("unknown", None)] {
        let stub = Stub::new(Node { driver: driver.to_owned(), ..Card::H100.node(1) }).unwrap();
        let nvml = Nvml::open(&stub.path()).unwrap();
        assert_eq!(nvml.device(0).unwrap().field_id(252), id, "{driver}");
    }
}

#[test]
fn an_older_driver_has_the_second_version_of_the_fabric_and_a_newer_one_no_temperature_by_the_first_function()
{
    let mut node = Card::B200.node(1);
    node.gpus[0].set("fabric.state", 2);
    let mut stub = Stub::without(node, &["nvmlDeviceGetTemperature"]).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    let fabric = gpu.fabric().unwrap();
    assert_eq!((fabric.state, fabric.status, fabric.summary), (2, 0, 1));
    stub.change(|node| _ = node.gpus[0].not_supported("fabric.summary").set("fabric.health", 0b01)).unwrap();
    let fabric = gpu.fabric().unwrap();
    assert_eq!((fabric.state, fabric.health, fabric.summary), (2, 1, 0));
    stub.change(|node| _ = node.gpus[0].not_supported("fabric.state")).unwrap();
    assert_eq!(gpu.fabric().unwrap_err().class(), Class::NotSupported);
    assert_eq!(gpu.temperature(), Ok(41));
}

#[test]
fn a_card_in_instances_has_them_one_by_one() {
    let stub = Stub::new(Card::A100Mig.node(1)).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    assert!(gpu.is_divided().unwrap());
    assert_eq!(gpu.utilization().unwrap_err().class(), Class::NotSupported);
    assert_eq!(gpu.max_instances().unwrap(), 7);
    assert_eq!(gpu.instance(1).unwrap().gpu_instance().unwrap(), 2);
    assert_eq!(gpu.instance(2).unwrap_err().class(), Class::NoData);
}

#[test]
fn nvml_is_shut_down_when_the_last_that_holds_it_is_gone() {
    let stub = Stub::new(Card::L40S.node(1)).unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let gpu = nvml.device(0).unwrap();
    drop(nvml);
    assert_eq!(stub.calls("nvmlShutdown"), 0);
    drop(gpu);
    assert_eq!(stub.calls("nvmlShutdown"), 1);
}
