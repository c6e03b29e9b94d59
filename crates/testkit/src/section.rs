use weir_config::{Check, Diagnostics, Env, Source, from_node, load};
use weir_core::Config;

/// What is said of a component's section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where, from 1 on.
    pub line: usize,
    /// Where in the line, from 1 on.
    pub column: usize,
    /// The text that it points at.
    pub at: String,
    /// In words.
    pub message: String,
}

/// Reads and checks a component's section as the program does, with these variables in its environment.
pub fn section<C: Config>(yaml: &str, env: &[(&str, &str)]) -> (Option<C>, Vec<Told>) {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "test".to_owned(), text: yaml.to_owned() };
    let env = Env::from_pairs(env.iter().copied());
    let document = load(&[source], &[], &env, &mut diags);
    let config: Option<C> = from_node(document.root(), &mut diags);
    if let Some(config) = &config {
        config.check(&mut Check::new(document.root(), &mut diags));
    }
    let told = diags.iter().map(|found| {
        let (line, column) = found.span.map_or((0, 0), |span| document.sources().position(span));
        let at = found.span.map(|span| document.sources().snippet(span).to_owned()).unwrap_or_default();
        Told { line, column, at, message: found.message.clone() }
    });
    let told = told.collect();
    (config, told)
}
