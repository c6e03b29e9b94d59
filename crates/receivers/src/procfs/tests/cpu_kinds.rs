//! Frequencies and cores.

use weir_core::Number;
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{CpuConfig, CpuMetrics, Scrape, Scrapers, Switch, cpu_kinds::frequencies},
    Machine, OFF, ON, listed,
    mutations::{reads_beginnings, survives_mutations},
    readings,
};

/// Two hyper-threads of one core (Documentation/arch/x86/cpuinfo.rst), shortened.
const CPUINFO: &str = "\
processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz
cpu MHz\t\t: 3102.918
core id\t\t: 0
power management:

processor\t: 1
cpu MHz\t\t: 2500.000
core id\t\t: 0

";

fn only(frequency: Switch, physical_count: Switch) -> Scrapers {
    let metrics = CpuMetrics { frequency, physical_count, time: OFF, logical_count: OFF, utilization: OFF };
    Scrapers { cpu: listed(CpuConfig { metrics }), ..Scrapers::default() }
}

#[test]
fn each_cpu_has_its_frequency() {
    let machine = Machine::small();
    machine.write("proc/cpuinfo", CPUINFO);
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(only(ON, OFF)), &fixture.context("procfs")).unwrap();
    let readings = readings(&fixture, &scrape.collect(seconds(START)));
    let expected = [
        ("system.cpu.frequency{cpu=cpu0}", 3_102_918_000.0),
        ("system.cpu.frequency{cpu=cpu1}", 2_500_000_000.0),
    ];
    let expected = expected.map(|(name, hertz)| (name.to_owned(), Number::Double(hertz)));
    assert_eq!(readings.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn an_architecture_that_tells_no_frequency_is_said_once_and_the_rest_goes_on() {
    let machine = Machine::small();
    machine.write("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 243.75\n\n");
    let fixture = Fixture::new();
    let mut scrapers = only(ON, OFF);
    scrapers.cpu.0.as_mut().unwrap().metrics.logical_count = ON;
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    let readings = readings(&fixture, &scrape.collect(seconds(START)));
    assert_eq!(readings.len(), 1, "{readings:?}");
    assert_eq!((readings["system.cpu.logical.count{}"], scrape.troubles()), (Number::Int(1), 1));
}

#[test]
fn cores_are_the_sets_of_cpus_that_share_one() {
    let machine = Machine::small();
    machine.write("proc/stat", &super::fixtures::stat_of(4));
    // Two cores of two threads; the fifth CPU is offline and has no topology.
    for (cpu, siblings) in [(0, "0,2\n"), (1, "1,3\n"), (2, "0,2\n"), (3, "1,3\n")] {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        std::fs::create_dir_all(machine.root().join(&folder)).unwrap();
        machine.write(&format!("{folder}/thread_siblings_list"), siblings);
    }
    for other in ["cpu4", "cpufreq", "cpuidle"] {
        std::fs::create_dir_all(machine.root().join("sys/devices/system/cpu").join(other)).unwrap();
    }
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(only(OFF, ON)), &fixture.context("procfs")).unwrap();
    for second in 0..2 {
        let readings = readings(&fixture, &scrape.collect(seconds(START + second)));
        assert_eq!(readings["system.cpu.physical.count{}"], Number::Int(2));
    }
    assert_eq!(scrape.troubles(), 0);
}

#[test]
fn broken_tables_of_cpus() {
    survives_mutations(CPUINFO, |text| {
        assert!(frequencies(text).all(|(number, hertz)| !number.is_empty() && hertz.is_finite()));
    });
    reads_beginnings(CPUINFO, |text| {
        frequencies(text).map(|(number, hertz)| (number.to_vec(), hertz)).collect()
    });
}
