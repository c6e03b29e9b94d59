//! Nodes as YAML again.

use super::{load, root};
use crate::{looks_secret, to_yaml};

#[test]
fn values_read_back_as_they_were() {
    let text = "
a: {b: [1, [2, []], {c: d, e: {}}], f: }
text: ['true', '0123', 0123, '', ' x ', 'a: b', '# c', \"two\\nlines\\t\\\"\\\\ \\x01\", '~', '1e3', ü, '- x', \"\\u2028\"]
numbers: [0x10, 1.10, -5, .inf, 1e3, 99999999999999999999, true]
list:
- - a
- b: 1
  c:
  - d
'odd key: ': 1
";
    let node = root(text);
    assert_eq!(root(&to_yaml(&node, false)), node, "{}", to_yaml(&node, false));
    assert!(to_yaml(&node, false).contains("- 1.10\n"));
}

#[test]
fn the_layout_is_plain() {
    let text = "a: {b: 1, c: [x, {y: z, w: }]}\nd: []\n";
    assert_eq!(to_yaml(&root(text), true), "a:\n  b: 1\n  c:\n  - x\n  - y: z\n    w:\nd: []\n");
    assert_eq!(to_yaml(&root(""), true), "null\n");
}

#[test]
fn secrets_are_left_out() {
    let text = "
password: hunter1
headers: {Authorization: hunter2, x-api-token: hunter3, accept: json}
credentials: {user: hunter4, list: [hunter5, 6]}
url: https://user:hunter7@host:1/p?q=1
password_file: /run/secret
secret_key: ~
token:
tokens: 'a''hunter8'
";
    let (document, diags) = load(text);
    assert!(diags.is_empty());
    let redacted = to_yaml(document.root(), true);
    assert!(!redacted.contains("hunter") && !redacted.contains('6'), "{redacted}");
    for kept in
        ["accept: json", "password_file: /run/secret", "https://user:[redacted]@host:1/p?q=1", "token:\n"]
    {
        assert!(redacted.contains(kept), "{kept}: {redacted}");
    }
    assert_eq!(to_yaml(document.root(), false).matches("hunter").count(), 7);
}

#[test]
fn names_of_secrets_are_known() {
    for key in
        ["password", "api_key", "API-Key", "aws_secret_access_key", "bearer_token", "proxy-authorization"]
    {
        assert!(looks_secret(key), "{key}");
    }
    for key in ["password_file", "token_url", "access_key_path", "key", "dimensions", "user", "keys"] {
        assert!(!looks_secret(key), "{key}");
    }
}
