//! Temporary stub, to be overwritten.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
/// s
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span { /// f
 pub file: u32, /// s
 pub start: u32, /// e
 pub end: u32 }
/// v
#[derive(Clone, Debug)]
pub enum Value { /// n
 Null, /// b
 Bool(bool), /// i
 Int(i64), /// f
 Float(f64), /// s
 Str(String), /// q
 Seq(Vec<Node>), /// m
 Map(Vec<Entry>) }
/// e
#[derive(Clone, Debug)]
pub struct Entry { /// k
 pub key: String, /// s
 pub key_span: Span, /// v
 pub value: Node }
/// n
#[derive(Clone, Debug)]
pub struct Node { /// v
 pub value: Value, /// s
 pub span: Span }
impl Node {
  /// g
  pub fn get(&self, key: &str) -> Option<&Node> { self.entry(key).map(|e| &e.value) }
  /// e
  pub fn entry(&self, key: &str) -> Option<&Entry> { self.entries().iter().find(|e| e.key == key) }
  /// e
  pub fn entries(&self) -> &[Entry] { if let Value::Map(m) = &self.value { m } else { &[] } }
  /// i
  pub fn items(&self) -> &[Node] { if let Value::Seq(m) = &self.value { m } else { &[] } }
  /// s
  pub fn as_str(&self) -> Option<&str> { if let Value::Str(m) = &self.value { Some(m) } else { None } }
}
/// d
#[derive(Clone, Debug, Default)]
pub struct Diagnostics;
/// c
pub struct Check<'a> { /// n
 pub node: &'a Node, /// d
 pub diags: &'a mut Diagnostics }
impl Check<'_> {
 /// e
 pub fn error(&mut self, _path: &[&str], _message: impl Into<String>) {}
 /// e
 pub fn error_with(&mut self, _path: &[&str], _message: impl Into<String>, _help: impl Into<String>) {}
 /// e
 pub fn warn(&mut self, _path: &[&str], _message: impl Into<String>) {}
}
/// f
pub fn from_node<T: DeserializeOwned>(_node: &Node, _diags: &mut Diagnostics) -> Option<T> { None }
/// d
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Duration(#[schemars(with="String")] pub std::time::Duration);
/// d
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ByteSize(pub u64);
/// d
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(pub String);
