//! Everything a person does in this repository, as one command.
fn main() {}
