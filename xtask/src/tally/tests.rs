use super::{Line, Tally};

fn tally(output: &str) -> (Tally, Vec<&str>) {
    let mut tally = Tally::default();
    let shown = output.lines().filter(|line| tally.observe(line) == Line::Show).collect();
    (tally, shown)
}

#[test]
fn results_of_all_binaries_are_summed() {
    let (tally, _) = tally(
        "running 3 tests\n\
         test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
         running 9 tests\n\
         test result: FAILED. 5 passed; 2 failed; 2 ignored; 0 measured; 7 filtered out; finished in 1.20s",
    );
    assert_eq!((tally.passed, tally.failed, tally.ignored), (8, 2, 2));
}

#[test]
fn colour_around_the_verdict_changes_no_number() {
    let (tally, _) = tally("test result: \x1b[32mok\x1b[0m. 4 passed; 1 failed; 0 ignored; 0 measured");
    assert_eq!((tally.passed, tally.failed), (4, 1));
}

#[test]
fn lines_that_only_look_like_results_count_nothing() {
    let (tally, _) = tally(
        "the last test result: ok. 3 passed; 0 failed\n\
         test results::are_parsed ... ok\n\
         test result: none\n\
         test result: ok. many passed; -1 failed\n\
         99 passed",
    );
    assert_eq!((tally.passed, tally.failed, tally.ignored), (0, 0, 0));
}

#[test]
fn a_skip_is_found_in_the_hidden_output_of_a_passing_test_and_named_once() {
    let (tally, shown) = tally(
        "running 2 tests\n\
         test a ... ok\n\
         \n\
         successes:\n\
         \n\
         ---- a stdout ----\n\
         some noise\n\
         skipped: read back with boto3 (no Python)\n\
         ---- b stdout ----\n\
         skipped: read back with boto3 (no Python)\n\
         \n\
         successes:\n    a\n\
         test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    );
    assert_eq!(tally.skipped, ["read back with boto3 (no Python)"]);
    assert_eq!(tally.passed, 2);
    assert_eq!(
        shown,
        [
            "running 2 tests",
            "test a ... ok",
            "",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ]
    );
}

#[test]
fn the_output_of_failed_tests_is_shown() {
    let (_, shown) = tally(
        "successes:\n\
         ---- good stdout ----\n\
         noise\n\
         failures:\n\
         ---- bad stdout ----\n\
         assertion failed",
    );
    assert_eq!(shown, ["failures:", "---- bad stdout ----", "assertion failed"]);
}

#[test]
fn an_empty_skip_is_none() {
    let (tally, _) = tally("skipped:\nskipped:   ");
    assert_eq!(tally.skipped, Vec::<String>::new());
}
