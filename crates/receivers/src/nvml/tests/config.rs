use weir_testkit::section;

use super::super::NvmlConfig;

/// `line:column: message` of each finding.
fn told(yaml: &str) -> Vec<String> {
    let (_, told) = section::<NvmlConfig>(yaml, &[]);
    told.iter().map(|one| format!("{}:{}: {}", one.line, one.column, one.message)).collect()
}

#[test]
fn what_is_right_is_taken_without_a_word() {
    assert_eq!(told(""), Vec::<String>::new());
    let all = "profile: gpu_health\nunsupported_as_zero: true\nmetrics: [GPU_Retired_Double_Bit_ECC]\n\
               intervals: {slow: 5m}\nrelease_file: /run/weir/release\nrules: {link_width: ok}\nxids: {109: watch}\n\
               expected_link_width: 16\n";
    assert_eq!(told(all), Vec::<String>::new());
    assert_eq!(told("metrics: [gpu.health, hw.gpu.utilization]\n"), Vec::<String>::new());
    assert_eq!(told("metrics: [default, gpu.nvlink.link.errors]\n"), Vec::<String>::new());
    assert_eq!(told("profile: dcgm\nmetrics: [all]\n"), Vec::<String>::new());
}

#[test]
fn mistakes_are_told_all_at_once_each_at_its_place() {
    let yaml = "metrics: [hw.gpu.utilisation, HW.power]\nintervals:\n  fast: 1ms\ntimeout: 0s\n\
                unsupported_as_zero: true\nrules:\n  link: watch\nxids: {none: ok}\n";
    let told = told(yaml);
    assert_eq!(told.len(), 7, "{told:#?}");
    let starts = [
        "3:9: 1ms is too short an interval",
        "4:10: no GPU answers in no time",
        "1:11: this profile has no metric `hw.gpu.utilisation`: such as `",
        "1:31: this profile has no metric `HW.power`: `hw.power`",
        "7:9: there is no rule `link`: row_remap_failure, ",
        "8:14: `none` is no XID: a number, such as 109",
        "5:22: only the profile `gpu_health` has this",
    ];
    for start in starts {
        assert!(told.iter().any(|found| found.starts_with(start)), "{start} among {told:#?}");
    }
}

#[test]
fn processes_are_told_by_container_only_where_pods_are() {
    assert_eq!(told("pods: {host_pid: true, root_path: /hostfs}\n"), Vec::<String>::new());
    assert_eq!(
        told("pods: {enabled: false, host_pid: true}\n"),
        ["1:34: only with `pods.enabled: true`".to_owned()]
    );
}
