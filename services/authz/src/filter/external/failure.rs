//! Why a service has not decided. Only where nobody is there may a filter let anybody in: what a client sends, however long it
//! is, makes nobody one that is gone.

use http::StatusCode;
use tonic::{Code, ConnectError, Status};

/// So many bytes are taken by any server: it is not these that one breaks off for.
const TAKEN_BY_ALL: usize = 4 << 10;

/// Why a service has not decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody is there who could: no connection was made.
    Absent(String),
    /// Somebody does not decide, as one that is gone.
    Away(String),
    /// Somebody is there, and is not what the filter says.
    Unusable(String),
    /// Somebody is there, and does not take what was sent: nothing is wrong with the service.
    NotTaken(String),
    /// Nobody may be there; or somebody is, and what was sent is why he does not.
    Unclear(String),
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
    /// Of one that breaks off, is silent or only says that it failed, having been sent so many bytes.
    pub(super) fn no_answer(why: String, length: usize) -> Self {
        if length > TAKEN_BY_ALL { Self::Unclear(why) } else { Self::Away(why) }
    }

    /// Of what a call by gRPC came to in which so many bytes were sent.
    pub(super) fn of_call(status: &Status, length: usize) -> Self {
        if let Some(NoGrpc::Answered(answered)) =
            std::error::Error::source(status).and_then(|source| source.downcast_ref())
        {
            return Self::of_answer(*answered, length);
        }
        let why = format!("{:?}: {}", status.code(), status.message());
        match status.code() {
            Code::Unavailable if cannot_connect(status) => Self::Absent(why),
            Code::ResourceExhausted | Code::OutOfRange | Code::InvalidArgument => Self::NotTaken(why),
            // By these one says that it failed, a proxy that the service broke off, and connections that they broke.
            Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::Aborted
            | Code::DataLoss
            | Code::DeadlineExceeded => Self::no_answer(why, length),
            _ => Self::Unusable(why),
        }
    }

    /// Of an answer by HTTP that decides nothing, to so many bytes: a proxy says 5xx where a service breaks off.
    pub(super) fn of_answer(status: StatusCode, length: usize) -> Self {
        let why = format!("the answer's status is {status}");
        match status {
            status if status.is_server_error() => Self::no_answer(why, length),
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::NotTaken(why),
            _ => Self::Unusable(why),
        }
    }

    /// Whether it lets in where a filter has failures do that.
    pub(super) fn opens(&self) -> bool {
        matches!(self, Self::Absent(_) | Self::Away(_))
    }

    /// What is wrong with the service, where that is the reason.
    pub(super) fn of_service(&self) -> Option<&str> {
        match self {
            Self::Absent(why) | Self::Away(why) | Self::Unusable(why) | Self::Unclear(why) => Some(why),
            Self::NotTaken(_) => None,
        }
    }
}

/// Whether nothing was sent at all.
fn cannot_connect(status: &Status) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(status), |error| error.source());
    causes.any(|error| error.is::<ConnectError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_for_what_was_sent_opens_nothing() {
        let opens = |code, length| Failure::of_call(&Status::new(code, ""), length).opens();
        for code in [Code::Unavailable, Code::Unknown, Code::Internal, Code::Cancelled, Code::DeadlineExceeded] {
            assert_eq!((opens(code, TAKEN_BY_ALL), opens(code, TAKEN_BY_ALL + 1)), (true, false), "{code:?}");
        }
        for code in [Code::ResourceExhausted, Code::OutOfRange, Code::InvalidArgument, Code::PermissionDenied] {
            assert!(!opens(code, 0), "{code:?}");
        }
        for status in 400..500 {
            assert!(!Failure::of_answer(StatusCode::from_u16(status).unwrap(), 0).opens(), "{status}");
        }
        let opens = |length| Failure::of_answer(StatusCode::BAD_GATEWAY, length).opens();
        assert_eq!((opens(TAKEN_BY_ALL), opens(TAKEN_BY_ALL + 1)), (true, false));
    }
}
