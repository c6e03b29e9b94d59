//! The parsers that the Agent's metrics have for themselves, on broken files.

use std::fs;

use super::{
    super::mutations::{reads_beginnings, survives_mutations},
    before,
};
use crate::procfs::{
    cwagent::{
        cpu::cpus,
        netstat::{Counter, Table},
        processes::Processes,
    },
    pids, text,
};

fn file(path: &str) -> String {
    fs::read_to_string(before().root().join(path)).unwrap()
}

#[test]
fn times_of_cpus() {
    let stat = file("proc/stat");
    survives_mutations(&stat, |text| assert!(cpus(text).all(|(name, _)| name.starts_with(b"cpu"))));
    reads_beginnings(&stat, |text| cpus(text).map(|(name, ticks)| (name.to_vec(), ticks)).collect());
}

#[test]
fn tables_of_sockets() {
    for (path, table) in [("udp", Table::Udp), ("unix", Table::Unix)] {
        survives_mutations(file(&format!("proc/1/net/{path}")), |text| {
            let mut counter = Counter::default();
            text::lines(text).for_each(|line| counter.line(table, line));
            let sockets = counter.sockets;
            let counted = sockets.udp + sockets.unix_streams + sockets.unix_datagrams;
            assert!(counted <= text::lines(text).count() as u64, "{sockets:?}");
        });
    }
}

#[test]
fn states_of_processes() {
    survives_mutations(file("proc/100/stat"), |text| {
        let mut processes = Processes::default();
        if let Some(stat) = pids::stat(text) {
            processes.count(&stat);
        }
        let Processes { blocked, dead, idle, paging, running, sleeping, stopped, total, zombies, .. } =
            processes;
        assert!(
            blocked + dead + idle + paging + running + sleeping + stopped + zombies <= total && total <= 1
        );
    });
}
