//! Where a configuration comes from: files over files, folders, `--set`, variables, and what is wrong with the text itself.

use crate::{
    root,
    weir::{Ended, Scratch, run},
};

/// A configuration that is right and short.
const SHORT: &str = "\
receivers: {otlp: {protocols: {grpc: {endpoint: 'localhost:0'}}}}
exporters: {debug: }
service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}
";

/// What `print-config` makes of files and further arguments.
fn printed(files: &[&str], more: &[&str], env: &[(&str, &str)]) -> Ended {
    let scratch = Scratch::new("sources");
    let mut args = vec!["print-config".to_owned()];
    for (at, text) in files.iter().enumerate() {
        let file = scratch.file(&format!("{at}.yaml"), text);
        args.extend(["-c".to_owned(), file.display().to_string()]);
    }
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    run(&args, env)
}

#[track_caller]
fn prints(files: &[&str], more: &[&str], env: &[(&str, &str)], lines: &[&str]) {
    let ended = printed(files, more, env);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for line in lines {
        assert!(ended.stdout.contains(line), "no {line:?} in\n{}", ended.stdout);
    }
}

#[track_caller]
fn refuses(files: &[&str], more: &[&str], words: &[&str]) {
    let ended = printed(files, more, &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in\n{}", ended.stderr);
    }
    assert!(ended.stderr.ends_with("\n1 error\n"), "{}", ended.stderr);
}

#[test]
fn later_files_are_laid_over_earlier_ones_maps_deeply_and_lists_whole() {
    let over = "exporters: {debug: {verbosity: normal}, debug/b: {verbosity: normal}}\n\
                service: {pipelines: {metrics: {exporters: [debug, debug/b]}}}\n";
    let last = "exporters: {debug/b: {verbosity: detailed}}\n";
    prints(
        &[SHORT, over, last],
        &[],
        &[],
        &[
            "debug:\n    verbosity: normal\n",
            "debug/b:\n    verbosity: detailed\n",
            "exporters:\n      - debug\n      - debug/b\n",
            "endpoint: localhost:0\n",
        ],
    );
}

#[test]
fn a_folder_is_its_files_by_name_and_a_mistake_names_its_file() {
    let scratch = Scratch::new("folder");
    scratch.file("conf/10-base.yaml", SHORT);
    let debug = scratch.file("conf/20-debug.yml", "exporters: {debug: {verbosity: detailed}}\n");
    scratch.file("conf/notes.txt", "not: [yaml");
    let folder = debug.parent().unwrap();
    let ended = run(&["print-config".as_ref(), "-c".as_ref(), folder.as_os_str()], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("verbosity: detailed\n"), "{}", ended.stdout);

    scratch.file("conf/20-debug.yml", "exporters: {debug: {verbosity: much}}\n");
    let ended = run(&["validate".as_ref(), "-c".as_ref(), folder.as_os_str()], &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("20-debug.yml:1:32\n"), "{}", ended.stderr);
}

#[test]
fn set_wins_over_every_file_and_is_told_like_one() {
    let sets =
        ["--set", "exporters.debug.verbosity=detailed", "--set", "service.telemetry.logs={level: warn}"];
    prints(&[SHORT], &sets, &[], &["verbosity: detailed\n", "level: warn\n"]);
    let quoted = ["--set", "exporters.\"debug/x.y\".verbosity=normal"];
    let ended = printed(&[SHORT], &quoted, &[]);
    assert!(ended.stdout.contains("debug/x.y:\n    verbosity: normal\n"), "{}", ended.stdout);

    refuses(
        &[SHORT],
        &["--set", "exporters.debug.verbosity=much"],
        &["--set:1:27\n", "unknown value `much`"],
    );
    refuses(
        &[SHORT],
        &["--set", "exporters.debug.verbose=normal"],
        &["--set:1:17\n", "the keys here are `verbosity`"],
    );
    refuses(&[SHORT], &["--set", "exporters.debug"], &["write `--set a.b.c=value`"]);
    refuses(
        &[SHORT],
        &["--set", "service.pipelines.metrics.exporters.1=debug"],
        &["is no item of this list of 1"],
    );
}

#[test]
fn a_variable_gives_its_value_or_its_default_and_without_either_the_way_out_is_shown() {
    let text = SHORT.replace("debug: ", "debug: {verbosity: '${env:WEIR_VERBOSITY:-normal}'}");
    prints(&[&text], &[], &[], &["verbosity: normal\n"]);
    prints(&[&text], &[], &[("WEIR_VERBOSITY", "detailed")], &["verbosity: detailed\n"]);
    let bare = SHORT.replace("debug: ", "debug: {verbosity: '${WEIR_VERBOSITY}'}");
    prints(&[&bare], &[], &[("WEIR_VERBOSITY", "basic")], &["verbosity: basic\n"]);
    refuses(
        &[&bare],
        &[],
        &["0.yaml:2:33\n", "environment variable `WEIR_VERBOSITY` is not set", "`${env:WEIR_VERBOSITY:-}`"],
    );
    // What a variable holds is told at the place that names it.
    let ended = printed(&[&bare], &[], &[("WEIR_VERBOSITY", "much")]);
    assert!(ended.stderr.contains("unknown value `much`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("0.yaml:2:32\n"), "{}", ended.stderr);
}

#[test]
fn a_variable_that_a_later_file_overrides_need_not_be_set() {
    let text = SHORT.replace("debug: ", "debug: {verbosity: '${WEIR_VERBOSITY}'}");
    prints(&[&text, "exporters: {debug: {verbosity: normal}}"], &[], &[], &["verbosity: normal\n"]);
    prints(&[&text], &["--set", "exporters.debug.verbosity=normal"], &[], &["verbosity: normal\n"]);
}

#[test]
fn what_is_no_yaml_is_told_where_it_breaks_and_nothing_is_guessed_of_the_rest() {
    refuses(&["receivers:\n\totlp:\n"], &[], &["0.yaml:2:1\n", "tab"]);
    refuses(&["receivers: [otlp\nservice: {}\n"], &[], &["0.yaml:2:8\n", "- opened here"]);
    refuses(&["receivers:\n  otlp: 'localhost\n"], &[], &["0.yaml:2:"]);
    refuses(&["- receivers\n"], &[], &["0.yaml:1:1\n", "expected a map of keys, found a list"]);
    refuses(&["receivers: *nowhere\n"], &[], &["0.yaml:1:12\n"]);
}

#[test]
fn an_empty_configuration_is_one_error_that_says_what_it_needs() {
    for text in ["", "# nothing\n", "---\n"] {
        refuses(&[text], &[], &["the configuration is empty", "`service.pipelines`"]);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ended = run(&["validate", "-c", "nowhere.yaml", "-c", "configs/local.yaml"], &[]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("cannot read `nowhere.yaml`: No such file or directory"),
        "{}",
        ended.stderr
    );
    assert!(!root().join("nowhere.yaml").exists());
}
