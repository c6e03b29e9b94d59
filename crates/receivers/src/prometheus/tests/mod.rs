//! The receiver: its keys, and against peers on the loopback.

mod config;
