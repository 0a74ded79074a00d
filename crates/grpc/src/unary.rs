//! A call of one message and its reply, as gRPC has it in HTTP/2.
//!
//! Nearly all that is asked of the service is one such call. What tonic has around any call (a router, boxes, extensions,
//! limits of time) costs more than the decision, so this is done here.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use prost::Message;
use tonic::Status;

/// What stands before a message: whether it is compressed, and its length in four bytes.
const PREFIX: usize = 5;
/// What is longer is sent in pieces: h2 copies those of less than 1024 bytes into one write with whatever else there is to
/// send, and writes each longer one by itself.
const PIECE: usize = 1_023;
/// Most replies fit.
const USUAL: usize = 128;

/// Receives the message of a request, of at most `longest` bytes.
///
/// # Errors
/// When it is not one whole message, too long, or breaks off.
pub async fn receive<M: Message + Default>(
    mut body: impl Body<Data = Bytes, Error: Display> + Unpin,
    longest: usize,
) -> Result<M, Status> {
    let mut bytes = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Status::cancelled(format!("the request broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > PREFIX + longest {
            return Err(Status::resource_exhausted(format!("the request is longer than {longest} bytes")));
        }
        bytes = joined(bytes, data);
    }
    if bytes.len() < PREFIX {
        return Err(Status::internal("the request has no message"));
    }
    let (compressed, length) = (bytes.get_u8(), bytes.get_u32());
    if compressed != 0 {
        return Err(Status::unimplemented("compressed messages are not supported"));
    }
    if length as usize != bytes.len() {
        return Err(Status::internal("the request is not one message of the length it says"));
    }
    M::decode(bytes).map_err(|error| Status::internal(format!("the message cannot be read: {error}")))
}

/// Most messages come in one frame, of which nothing is copied.
fn joined(before: Bytes, data: Bytes) -> Bytes {
    if before.is_empty() {
        return data;
    }
    let mut all = BytesMut::from(before);
    all.extend_from_slice(&data);
    all.freeze()
}

/// The response with a message.
#[must_use]
pub fn response(message: &impl Message) -> Response<Reply> {
    let mut bytes = BytesMut::with_capacity(USUAL);
    bytes.put_bytes(0, PREFIX);
    let reply = match message.encode(&mut bytes) {
        Ok(()) => {
            // A reply of four gibibytes would have to be of as many descriptors.
            let length = u32::try_from(bytes.len() - PREFIX).unwrap_or(u32::MAX);
            bytes[1..PREFIX].copy_from_slice(&length.to_be_bytes());
            Reply::Message(bytes.freeze())
        }
        Err(error) => return Status::internal(error.to_string()).into_http(),
    };
    let mut response = Response::new(reply);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The body of a response.
#[derive(Debug, Default)]
pub enum Reply {
    /// A message, and then that all went well.
    Message(Bytes),
    /// That all went well.
    Success,
    /// What tonic answers.
    Other(tonic::body::Body),
    /// Nothing more: of an error, headers tell.
    #[default]
    End,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let reply = self.get_mut();
        if let Self::Other(body) = reply {
            return Pin::new(body).poll_frame(context);
        }
        let (frame, rest) = match std::mem::take(reply) {
            Self::Message(mut bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE));
                (Frame::data(piece), if bytes.is_empty() { Self::Success } else { Self::Message(bytes) })
            }
            Self::Success => {
                let status = (http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
                (Frame::trailers(HeaderMap::from_iter([status])), Self::End)
            }
            Self::Other(_) | Self::End => return Poll::Ready(None),
        };
        *reply = rest;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Other(body) => body.is_end_stream(),
            Self::End => true,
            Self::Message(_) | Self::Success => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::StreamBody;
    use tonic::Code;

    use super::*;

    /// A frame, or that the body breaks off.
    type Sent<'a> = Result<&'a [u8], &'static str>;
    /// What it is called, what is sent, how much may be, and what comes of it.
    type Case<'a> = (&'a str, &'a [Sent<'a>], usize, Result<&'a str, Code>);

    /// What is received of a body in these frames.
    async fn received(frames: &[Sent<'_>], longest: usize) -> Result<String, Code> {
        let frames = frames.iter().map(|frame| frame.map(|data| Frame::data(Bytes::copy_from_slice(data))));
        let body = StreamBody::new(stream::iter(frames.collect::<Vec<_>>()));
        receive(body, longest).await.map_err(|status| status.code())
    }

    #[tokio::test]
    async fn a_request_is_one_whole_message_that_is_not_too_long() {
        // A message of one text, "ab", in four bytes.
        let whole: &[u8] = &[0, 0, 0, 0, 4, 10, 2, b'a', b'b'];
        let two = [whole, whole].concat();
        let cases: [Case<'_>; 12] = [
            ("in one frame", &[Ok(whole)], 4, Ok("ab")),
            ("in pieces", &[Ok(&whole[..3]), Ok(&[]), Ok(&whole[3..7]), Ok(&whole[7..])], 4, Ok("ab")),
            ("of no bytes", &[Ok(&[0; 5])], 4, Ok("")),
            ("nothing", &[], 4, Err(Code::Internal)),
            ("a short prefix", &[Ok(&whole[..4])], 4, Err(Code::Internal)),
            ("compressed", &[Ok(&[1, 0, 0, 0, 0])], 4, Err(Code::Unimplemented)),
            ("less than it says", &[Ok(&whole[..8])], 4, Err(Code::Internal)),
            ("more than it says", &[Ok(whole), Ok(&[0])], 9, Err(Code::Internal)),
            ("two messages", &[Ok(&two)], 99, Err(Code::Internal)),
            ("too long", &[Ok(&whole[..5]), Ok(&whole[5..])], 3, Err(Code::ResourceExhausted)),
            ("not what it is to be", &[Ok(&[0, 0, 0, 0, 1, 10])], 4, Err(Code::Internal)),
            ("broken off", &[Ok(whole), Err("reset")], 4, Err(Code::Cancelled)),
        ];
        for (name, frames, longest, expected) in cases {
            assert_eq!(received(frames, longest).await, expected.map(str::to_owned), "{name}");
        }
    }
}
