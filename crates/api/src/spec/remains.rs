//! What is left of an object that cannot be used.

use crate::{FilterPolicy, Mapping, PreviewPolicy, TcpMapping};

/// What could be read of an object that cannot be used. What it was meant for answers nothing then, instead of being left
/// to another object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remains {
    /// Nothing that matters.
    Nothing,
    /// Of a Host: the name that it was meant for.
    Hostname(String),
    /// Of a Mapping: its conditions, if all of them are valid; every other field is at its default.
    Conditions(Box<Mapping>),
    /// Of a TCPMapping: the connections that it was meant for (`port`, `address`, `host`), if all of that is valid; every
    /// other field is at its default.
    Connections(Box<TcpMapping>),
    /// Of a TLSContext: the names that its certificate was meant for.
    ServerNames(Vec<String>),
    /// Of a FilterPolicy: the hosts and paths of its rules, if all of them can be read; every other field is at its default.
    Rules(Box<FilterPolicy>),
    /// Of a FilterPolicy: there is no telling which requests it is for.
    AnyRule,
    /// Of a PreviewPolicy: the domain below which names are for previews alone, and the headers that hold their keys, each if it
    /// can be read; every other field is at its default.
    Previews(Box<PreviewPolicy>),
    /// Of the Module: its text speaks of `ip_allow` or `ip_deny`.
    AccessList,
}
