//! What the output of test binaries says: how many tests passed and failed, and what was skipped and why.
//!
//! A test that cannot run where it is (no Python, no GPU) prints a line `skipped: NAME (why)` and returns.
//! libtest shows the output of a passing test only with `--show-output`, in a section of its own, which is
//! noise but for those lines: [`Tally::observe`] tells which lines a person should see.

#[cfg(test)]
mod tests;

/// The sums over all test binaries seen so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests marked `#[ignore]`, and documentation examples marked `ignore`.
    pub(crate) ignored: u64,
    /// What could not run and why, each once, in the order seen: `NAME (why)`.
    pub(crate) skipped: Vec<String>,
    section: Section,
}

/// Where in a test binary's report the last line was.
#[derive(Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Report,
    /// Between `successes:` and what follows it: the output of tests that passed.
    Successes,
}

/// Whether a line says something to a person who watches.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Worth showing.
    Show,
    /// The output of a test that passed.
    Hide,
}

impl Tally {
    /// Takes one line of a test binary's standard output.
    pub(crate) fn observe(&mut self, line: &str) -> Line {
        if let Some(what) = line.trim_start().strip_prefix("skipped:") {
            self.skip(what.trim());
        }
        if let Some(result) = line.strip_prefix("test result:") {
            self.add_result(result);
        }
        match line {
            "successes:" => self.section = Section::Successes,
            "failures:" => self.section = Section::Report,
            _ if line.starts_with("test result:") => self.section = Section::Report,
            _ => {}
        }
        match self.section {
            Section::Report => Line::Show,
            Section::Successes => Line::Hide,
        }
    }

    /// Notes something that could not run, once.
    pub(crate) fn skip(&mut self, what: &str) {
        if !what.is_empty() && !self.skipped.iter().any(|known| known == what) {
            self.skipped.push(what.to_owned());
        }
    }

    /// `ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.12s`
    fn add_result(&mut self, result: &str) {
        let words: Vec<&str> = result.split_whitespace().collect();
        for pair in words.windows(2) {
            let (Ok(count), what) = (pair[0].parse::<u64>(), pair[1].trim_end_matches(';')) else { continue };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}
