//! Routes that answer by themselves: direct responses and redirects.

use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, RedirectAction,
    redirect_action::{RedirectResponseCode, SchemeRewriteSpecifier},
    route::Action,
};
use nuncio_ir::{PathMatch, Redirect, Respond};

use super::path;
use crate::proto;

pub(super) fn respond(respond: &Respond) -> Action {
    direct_response(respond.status, &respond.body)
}

pub(super) fn direct_response(status: u16, body: &str) -> Action {
    Action::DirectResponse(DirectResponseAction {
        status: u32::from(status),
        body: (!body.is_empty()).then(|| proto::inline(body)),
        ..Default::default()
    })
}

pub(super) fn redirect(redirect: &Redirect, matched: &PathMatch) -> Action {
    let mut action = RedirectAction {
        host_redirect: redirect.host.clone().unwrap_or_default(),
        port_redirect: redirect.port.map(u32::from).unwrap_or_default(),
        response_code: response_code(redirect.status) as i32,
        scheme_rewrite_specifier: redirect.scheme.clone().map(SchemeRewriteSpecifier::SchemeRedirect),
        ..Default::default()
    };
    if let Some(change) = &redirect.path {
        path::apply_to_redirect(matched, change, &mut action);
    }
    Action::Redirect(action)
}

/// 301 for what is none of the model's statuses.
fn response_code(status: u16) -> RedirectResponseCode {
    match status {
        302 => RedirectResponseCode::Found,
        303 => RedirectResponseCode::SeeOther,
        307 => RedirectResponseCode::TemporaryRedirect,
        308 => RedirectResponseCode::PermanentRedirect,
        _ => RedirectResponseCode::MovedPermanently,
    }
}
