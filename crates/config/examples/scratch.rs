#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::disallowed_methods)]
use weir_config::*;
fn main() {
    let n: usize = 200_000;
    for (name, text) in [
        ("?", "? ".repeat(n)), ("dash", "- ".repeat(n)), ("keys", (0..n/4).map(|i| format!("k{i}:\n")).collect::<String>()),
        ("same", "a:\n".repeat(n/4)), ("colon", "a: ".repeat(n)), ("flowitems", format!("a: [{}]", "x,".repeat(n/4))), ("flowmap", format!("a: {{{}}}", (0..n/4).map(|i| format!("k{i}: 1,")).collect::<String>())),
        ("words", format!("a: {}", "x ".repeat(n))), ("lines", format!("a: {}", "x\n  ".repeat(n))), ("hash", "#".repeat(n)), ("hashlines", "# c\n".repeat(n)),
        ("blanks", "\n".repeat(n)), ("spaces", " ".repeat(n)), ("quotes", "'".repeat(n)), ("dq", format!("a: \"{}\"", "\\n".repeat(n))), ("dqlines", format!("a: \"{}\"", "x\n\n ".repeat(n))), ("anchors", "&a ".repeat(n)), ("anch", (0..n/20).map(|i| format!("k{i}: &a{i} x\n")).collect::<String>()),
        ("alias", format!("a: &a x\nb: [{}]", "*a,".repeat(n/8))), ("pipe", format!("a: |\n{}", "  x\n".repeat(n))), ("bangs", "!".repeat(n)), ("pct", "%".repeat(n)), ("flowopen", "[[[".repeat(n)), ("braces", "{".repeat(n)), ("flowcolon", format!("a: [{}", "a: ".repeat(n))), ("flowq", format!("a: [{}", "? ".repeat(n))), ("docs", "---\n".repeat(n)), ("dol", format!("a: {}", "${x".repeat(n))), ("dol2", format!("a: {}", "${x}".repeat(n))), ("dol3", format!("a: {}{}", "${x:-".repeat(n), "}".repeat(n))), ("dol4", format!("a: '{}'", "${1}$$".repeat(n))), ("longkey", format!("{}: x", "k".repeat(n))), ("flowlongkey", format!("[{}: x]", "k".repeat(n))), ("flowadj", format!("[{}]", "\"a\":1,".repeat(n/8))), ("indent", (0..60).map(|i| format!("{}k:\n", " ".repeat(i))).collect::<String>() + &format!("{}- x\n", " ".repeat(60)).repeat(n/60)),
        ("uni", format!("a: {}", "é ".repeat(n))),
    ] {
        let t = std::time::Instant::now();
        let mut d = Diagnostics::new();
        let doc = load(&[Source::Text { name: "t.yaml".into(), text }], &[], &Env::from_pairs([("x","5")]), &mut d);
        let a = t.elapsed();
        let _: Option<std::collections::BTreeMap<String, Vec<String>>> = from_node(doc.root(), &mut d);
        let b = t.elapsed();
        let r = d.render(doc.sources(), false).len();
        println!("{name:12} load {a:?} de {:?} render {:?} ({} diags, {r} bytes)", b-a, t.elapsed()-b, d.iter().count());
    }
}
