//! What can be told of an object alone: whether each value is one that Envoy can work with.

use crate::parse::Issues;
use crate::yaml::Path;
use crate::{Host, Listener, Mapping, ModuleConfig, TcpMapping, TlsContext};

pub(crate) fn mapping(_: &mut Mapping, _: &Path<'_>, _: &mut Issues<'_>) {}
pub(crate) fn tcp_mapping(_: &mut TcpMapping, _: &Path<'_>, _: &mut Issues<'_>) {}
pub(crate) fn host(_: &mut Host, _: &Path<'_>, _: &mut Issues<'_>) {}
pub(crate) fn listener(_: &Listener, _: &Path<'_>, _: &mut Issues<'_>) {}
pub(crate) fn tls_context(_: &TlsContext, _: &Path<'_>, _: &mut Issues<'_>) {}
pub(crate) fn module(_: &mut ModuleConfig, _: &Path<'_>, _: &mut Issues<'_>) {}
