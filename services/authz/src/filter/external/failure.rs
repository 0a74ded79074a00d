//! Why a service has not decided. Only where nobody is there may a filter let anybody in: what a client sends, however long it
//! is, makes nobody one that is gone.

use http::StatusCode;
use tonic::{Code, Status};

/// So many bytes are taken by any server: it is not these that one breaks off for.
const TAKEN_BY_ALL: usize = 4 << 10;

/// Why a service has not decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody is there who could.
    Away(String),
    /// Somebody is there, and is not what the filter says.
    Unusable(String),
    /// Somebody is there, and what was sent may be why he does not.
    NotTaken(String),
}

/// Why there is no answer of gRPC.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoGrpc {
    /// There is none at all.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
    /// There is another: of a proxy, or of no such service.
    #[error("the answer's status is {0}")]
    Answered(StatusCode),
}

impl Failure {
    /// Of one that breaks off, or is silent, having been sent so many bytes.
    pub(super) fn no_answer(why: String, length: usize) -> Self {
        if length > TAKEN_BY_ALL { Self::NotTaken(why) } else { Self::Away(why) }
    }

    /// Of what a call by gRPC came to in which so many bytes were sent.
    pub(super) fn of_call(status: &Status, length: usize) -> Self {
        if let Some(NoGrpc::Answered(answered)) =
            std::error::Error::source(status).and_then(|source| source.downcast_ref())
        {
            return Self::of_answer(*answered);
        }
        let why = format!("{:?}: {}", status.code(), status.message());
        match status.code() {
            Code::Unavailable => Self::Away(why),
            Code::ResourceExhausted | Code::OutOfRange | Code::InvalidArgument => Self::NotTaken(why),
            // By these one says that it failed, a proxy that the message is too long for it, and connections that they broke.
            Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::Aborted
            | Code::DataLoss
            | Code::DeadlineExceeded => Self::no_answer(why, length),
            _ => Self::Unusable(why),
        }
    }

    /// Of an answer by HTTP that decides nothing.
    pub(super) fn of_answer(status: StatusCode) -> Self {
        let why = format!("the answer's status is {status}");
        match status {
            status if status.is_server_error() => Self::Away(why),
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::NotTaken(why),
            _ => Self::Unusable(why),
        }
    }

    /// Whether it lets in where a filter has failures do that.
    pub(super) fn opens(&self) -> bool {
        matches!(self, Self::Away(_))
    }

    /// What is wrong with the service, where that is the reason.
    pub(super) fn of_service(&self) -> Option<&str> {
        match self {
            Self::Away(why) | Self::Unusable(why) => Some(why),
            Self::NotTaken(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_for_what_was_sent_opens_nothing() {
        let opens = |code, length| Failure::of_call(&Status::new(code, ""), length).opens();
        assert!(opens(Code::Unavailable, usize::MAX));
        for code in [Code::Unknown, Code::Internal, Code::Cancelled, Code::DeadlineExceeded] {
            assert_eq!((opens(code, TAKEN_BY_ALL), opens(code, TAKEN_BY_ALL + 1)), (true, false), "{code:?}");
        }
        for code in [Code::ResourceExhausted, Code::OutOfRange, Code::InvalidArgument, Code::PermissionDenied] {
            assert!(!opens(code, 0), "{code:?}");
        }
        for status in 400..500 {
            assert!(!Failure::of_answer(StatusCode::from_u16(status).unwrap()).opens(), "{status}");
        }
        assert!(Failure::of_answer(StatusCode::BAD_GATEWAY).opens());
    }
}
