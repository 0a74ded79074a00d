//! Bodies: of requests and of answers, by media type; and answers, by status.

use std::collections::BTreeMap;

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::rule::{Rule, Side};
use super::words::code;
use crate::reference::resolve;

/// An object's fields.
fn fields<'d>(object: &'d Value, key: &str) -> impl Iterator<Item = (&'d String, &'d Value)> {
    object.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// What a body is, by media type. Parameters of media types, such as the charset, are no difference.
fn contents(body: &Value) -> BTreeMap<String, &Value> {
    let media = |name: &str| name.split(';').next().unwrap_or_default().trim().to_lowercase();
    fields(body, "content").map(|(name, content)| (media(name), content)).collect()
}

/// What a body of a media type is, or each part of a stream (3.2).
fn schema(content: &Value) -> Option<&Value> {
    content.get("schema").or_else(|| content.get("itemSchema"))
}

/// Whether a media type is one of those that a range stands for: `application/*`.
fn is_among(media: &str, range: &str) -> bool {
    range == "*/*" || range.strip_suffix('*').is_some_and(|start| start.ends_with('/') && media.starts_with(start))
}

/// The status among these that stands for another one, too: `2XX`, and of failures `default`.
fn range<'s>(among: &BTreeMap<&'s String, &'s Value>, status: &str) -> Option<&'s Value> {
    let is_range = |other: &&&String| {
        let is_begin = || other.as_bytes().first() == status.as_bytes().first();
        other.len() == 3 && other.to_uppercase().ends_with("XX") && status.len() == 3 && is_begin()
    };
    let is_default = |other: &&&String| other.as_str() == "default" && !is_success(status);
    let named = among.keys().find(is_range).or_else(|| among.keys().find(is_default))?;
    among.get(*named).copied()
}

impl<'d> Comparison<'d> {
    pub(super) fn request_body(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let old = old.get("requestBody").map(|body| resolve(self.old, body));
        let new = new.get("requestBody").map(|body| resolve(self.new, body));
        let is_required = |body: &Value| body.get("required") == Some(&Value::Bool(true));
        let at = at.part("request body");
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) if is_required(new) => {
                self.find(Rule::BodyAddedRequired, &at, "A body is new, and required.");
            }
            (None, Some(_)) => self.find(Rule::BodyAdded, &at, "A body is new."),
            (Some(_), None) => self.find(Rule::BodyRemoved, &at, "No body is taken any more."),
            (Some(old), Some(new)) => {
                match (is_required(old), is_required(new)) {
                    (false, true) => self.find(Rule::BodyBecameRequired, &at, "The body is required."),
                    (true, false) => self.find(Rule::BodyBecameOptional, &at, "The body may be left out."),
                    _ => {}
                }
                self.contents(old, new, &at);
            }
        }
    }

    pub(super) fn responses(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let at = at.on(Side::Response);
        let is_status = |(status, _): &(&'d String, &'d Value)| !status.starts_with("x-");
        let new: BTreeMap<_, _> = fields(new, "responses").filter(is_status).collect();
        let old: BTreeMap<_, _> = fields(old, "responses").filter(is_status).collect();
        for (status, before) in &old {
            let at = at.part(&format!("response {status}"));
            match new.get(*status).copied().or_else(|| range(&new, status)) {
                Some(after) => self.response(resolve(self.old, before), resolve(self.new, after), &at),
                // Where one of a range is left, no other comes.
                None if new.keys().any(|one| range(&old, one).is_some_and(|range| std::ptr::eq(range, *before))) => {}
                None if is_success(status) => self.find(Rule::SuccessStatusRemoved, &at, "The status is gone."),
                None => self.find(Rule::FailureStatusRemoved, &at, "The status is gone."),
            }
        }
        let is_new = |status: &&&String| !old.contains_key(**status) && range(&old, status).is_none();
        for status in new.keys().filter(is_new) {
            let rule = if is_success(status) { Rule::SuccessStatusAdded } else { Rule::FailureStatusAdded };
            self.find(rule, &at.part(&format!("response {status}")), "The status is new.");
        }
    }

    fn response(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let headers = |response: &'d Value| -> BTreeMap<String, &'d Value> {
            fields(response, "headers").map(|(name, header)| (name.to_lowercase(), header)).collect()
        };
        let (before, after) = (headers(old), headers(new));
        for (name, header) in &before {
            let at = at.part(&format!("header {name}"));
            match after.get(name) {
                Some(new) => {
                    let (old, new) = (resolve(self.old, header), resolve(self.new, new));
                    self.pair_given(old.get("schema"), new.get("schema"), &at);
                }
                None => self.find(Rule::ResponseHeaderRemoved, &at, "The header is gone."),
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            self.find(Rule::ResponseHeaderAdded, &at.part(&format!("header {name}")), "The header is new.");
        }
        self.contents(old, new, at);
    }

    fn contents(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let (before, after) = (contents(old), contents(new));
        for (media, old) in &before {
            let covers = |(other, _): &(&String, &&Value)| match at.side {
                Side::Request => is_among(media, other),
                Side::Response => is_among(other, media),
            };
            match after.get(media).or_else(|| after.iter().find(covers).map(|(_, new)| new)) {
                Some(new) => self.pair_given(schema(old), schema(new), at),
                None => self.find(Rule::MediaTypeRemoved, at, format!("There is no {} any more.", code(media))),
            }
        }
        for media in after.keys().filter(|media| !before.contains_key(*media)) {
            self.find(Rule::MediaTypeAdded, at, format!("There is {}, too.", code(media)));
        }
    }
}

fn is_success(status: &str) -> bool {
    status.starts_with(['2', '3'])
}
