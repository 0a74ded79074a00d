//! Conversion between versions: one object at a time, of which there may be thousands, and the answer is sent as it is made.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use nuncio_api::convert::{ConvertError, Version, convert};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::elements::Elements;
use super::review::{self, PATIENCE, Refusal, Review};

/// How much of the answer is made before it is sent.
const PIECE: usize = 64 << 10;

/// `ConversionReview`, as it is asked.
#[derive(Debug, Deserialize)]
struct Question<'a> {
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Debug, Deserialize)]
struct Request<'a> {
    uid: String,
    #[serde(rename = "desiredAPIVersion")]
    desired_api_version: String,
    #[serde(borrow, default)]
    objects: Option<&'a RawValue>,
}

pub(super) async fn handle(State(state): State<Arc<review::State>>, body: Body) -> Result<Response, Refusal> {
    let limits = state.reviewer.limits;
    let review = state.take_in(body, limits.conversion_bytes).await?;
    let answer = state.work(move || Answer::to(review, limits.object_bytes)).await??;
    let (sender, mut pieces) = mpsc::channel(1);
    // By itself, and not as the client reads: one that does not read keeps no review in memory.
    tokio::spawn(async move { timeout(PATIENCE, send(&state, answer, &sender)).await });
    let pieces = stream::poll_fn(move |context| pieces.poll_recv(context)).map(Ok::<_, Infallible>);
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response())
}

/// Makes the answer piece by piece. One that breaks off is no JSON, which is an error for whoever reads it.
async fn send(state: &review::State, mut answer: Answer, pieces: &mpsc::Sender<Bytes>) {
    loop {
        let made = state.work(move || {
            let made = answer.piece();
            (answer, made)
        });
        let Ok((rest, (piece, more))) = made.await else { return };
        if pieces.send(piece.into()).await.is_err() || !more {
            return;
        }
        answer = rest;
    }
}

/// What is yet to be answered.
struct Answer {
    /// Made, and not sent yet.
    made: Vec<u8>,
    objects: Elements,
    is_first: bool,
    desired_api_version: String,
    /// Longest object that is converted.
    longest: usize,
    _review: Review,
}

impl Answer {
    fn to(review: Review, longest: usize) -> serde_json::Result<Self> {
        let Question { api_version, request } = serde_json::from_slice(&review.bytes)?;
        let Request { uid, desired_api_version, objects } = request;
        let objects = match objects {
            Some(objects) => Elements::of(&review.bytes.slice_ref(objects.get().as_bytes()))?,
            None => Elements::default(),
        };
        let (api_version, uid) = (json!(api_version), json!(uid));
        let head = format!(
            r#"{{"apiVersion":{api_version},"kind":"ConversionReview","response":{{"uid":{uid},"convertedObjects":["#
        );
        let made = head.into_bytes();
        Ok(Self { made, objects, is_first: true, desired_api_version, longest, _review: review })
    }

    /// Makes the next piece, and says whether another follows. Where an object cannot be had in the version, the answer ends
    /// with that: an API server looks at the result before it looks at the objects.
    fn piece(&mut self) -> (Vec<u8>, bool) {
        let mut result = None;
        while result.is_none() && self.made.len() < PIECE {
            result = match self.convert_next() {
                Ok(true) => None,
                Ok(false) => Some(json!({ "status": "Success" })),
                Err(message) => Some(json!({ "status": "Failed", "message": message })),
            };
        }
        let mut piece = std::mem::take(&mut self.made);
        if let Some(result) = &result {
            piece.extend_from_slice(format!(r#"],"result":{result}}}}}"#).as_bytes());
        }
        (piece, result.is_none())
    }

    /// Converts an object, if there is one left.
    fn convert_next(&mut self) -> Result<bool, String> {
        let version = Version::from_api_version(&self.desired_api_version);
        let version =
            version.ok_or_else(|| ConvertError::UnknownVersion(self.desired_api_version.clone()).to_string())?;
        let Some(object) = self.objects.next() else { return Ok(false) };
        if object.len() > self.longest {
            return Err(format!("an object of {} bytes: no API server stores one of that size", object.len()));
        }
        let object = serde_json::from_slice(&object).map_err(|error| format!("no object: {error}"))?;
        let converted = convert_one(object, version)?;
        if !std::mem::take(&mut self.is_first) {
            self.made.push(b',');
        }
        serde_json::to_writer(&mut self.made, &converted).map_err(|error| error.to_string())?;
        Ok(true)
    }
}

fn convert_one(object: Value, version: Version) -> Result<Value, String> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    convert(object, version).map_err(|error| format!("{kind} {namespace}/{name}: {error}"))
}
