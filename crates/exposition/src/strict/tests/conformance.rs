//! The parser cases of OpenMetrics, where their folder is present: `OPENMETRICS_CASES`, or `shared/conformance/openmetrics` beside
//! or above the repository.

use std::path::{Path, PathBuf};

use super::check;

fn cases() -> Option<PathBuf> {
    let named = std::env::var_os("OPENMETRICS_CASES").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = root.ancestors().map(|folder| folder.join("shared/conformance/openmetrics"));
    named.into_iter().chain(above).map(|folder| folder.join("parsers")).find(|parsers| parsers.is_dir())
}

#[test]
fn every_case_of_openmetrics_behaves_as_it_says() {
    let Some(parsers) = cases() else {
        println!("skipped: every_case_of_openmetrics_behaves_as_it_says (the folder of cases is not here)");
        return;
    };
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    for case in std::fs::read_dir(parsers).unwrap() {
        let case = case.unwrap().path();
        let said = std::fs::read_to_string(case.join("test.json")).unwrap();
        let said: String = said.split_whitespace().collect();
        let should_parse = said.contains("\"shouldParse\":true");
        assert!(should_parse || said.contains("\"shouldParse\":false"), "{said}");
        let body = std::fs::read(case.join("metrics")).unwrap();
        let found = String::from_utf8(body).map_err(|_| crate::Fault::NotUtf8).and_then(|body| check(&body));
        match found {
            Ok(()) => taken += 1,
            Err(_) => refused += 1,
        }
        if found.is_ok() != should_parse {
            wrong.push(format!("{}: {found:?}", case.file_name().unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((taken, refused), (44, 167));
}
