use super::*;

mod cases;
mod conformance;

/// What is wrong with a body.
fn check(body: &str) -> Result<(), Fault> {
    let mut checker = Checker::default();
    let lines = body.strip_suffix('\n').unwrap_or(body);
    if !lines.is_empty() {
        for line in lines.split('\n') {
            checker.take(line.as_bytes())?;
        }
    }
    checker.finish()
}
