#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::print_stdout)]
use weir_config::*;
fn dump(n: &Node, m: &SourceMap, ind: usize) {
    let pad = "  ".repeat(ind);
    match &n.value {
        Value::Map(e) => { println!("{pad}MAP {:?}", m.snippet(n.span)); for e in e { println!("{pad} key {:?} at {:?}={:?}", e.key, m.position(e.key_span), m.snippet(e.key_span)); dump(&e.value, m, ind+1);} }
        Value::Seq(i) => { println!("{pad}SEQ {:?}", m.snippet(n.span)); for i in i { dump(i, m, ind+1);} }
        v => println!("{pad}{v:?} {:?}", m.snippet(n.span)),
    }
}
fn main() {
    for text in [
        "a: 1 # c\nb:\n  - x y   \n  - 'q''q'  # d\n  -\n  - \"dq\\n\"\nc:\nd: {x: 1, y: , z}\ne: |\n  text\n  more\n\nf: >-\n  fold\n  ed\ng: plain\n  multi\n  line\nh: [a, b,\n   c]\n",
        "\u{feff}é: ü # ö\nb: &x [1,2]\nc: *x\nd: &m # note\n  k: v\ne:\n  <<: *m\n  z: !!str 12\nf: &e\ng: 0123\n? q\n: w\n",
        "a: 1\r\nb:\r\n  c: \"x\"\r\n  d: y\r\n",
        "a:\n\tb: 1\n", "a: 1\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "a:\n  b: 1\n \tc: 2\n", "a:\tb\n", "a:\n  - x\n\t- y\n", "key:\n\tvalue\n",
        "a: [1, 2\nb: 3\n", "a: {x: 1\n", "a: 'abc\nb: 1\n", "a: b: c\n", "a: @foo\n", "a: %x\n", "endpoint:0.0.0.0\n", "a:\n  endpoint:0.0.0.0\n  b: 1\n", "a: *x\n", "a: 1\n b: 2\n", "a:\n  - 1\n b: 2\n", "a: 1\n--- \nb: 2\n", "a: [${env:X}]\n", "- a\n- b\n", "a: \"x\\d\"\n", "password: @foo\n", "a: \"x\" y\n", "a: {b: 1}}\n", "a: 1\na: 2\nb: !!int x\nc: !foo x\n? [1]\n: 2\n", ": x\n", "a: &a [*a]\n", "x: \u{1}\n", "a:\n- b\n- c: 1\n  d: 2\n", "x: \"a\\\"b\" # c\ny: ['a', \"b\" , c ]\n'q k': 1\n\"dk\" : 2\n",
    ] {
        println!("=======\n{text}-------");
        let mut d = Diagnostics::new();
        let doc = load(&[Source::Text { name: "t.yaml".into(), text: text.into() }], &[], &Env::from_pairs([("X","5")]), &mut d);
        print!("{}", d.render(doc.sources(), false));
        dump(doc.root(), doc.sources(), 0);
    }
}
