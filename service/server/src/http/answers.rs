//! The statuses by which requests are refused, as the API's description says them. They belong to what can go
//! wrong, not to a handler: a route lists what its handler meets, and the description follows.

use crate::views::told;
use axum::http::StatusCode;
use trainyard_core::run::NoWord;
use trainyard_engine::{ApprovalError, IntakeError, ManualError, PromotionError, RerunError};
use trainyard_store::StoreError;

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The query string, or a part of the path.
    Address,
    /// A JSON body.
    Json,
    /// The body of a delivery.
    Delivery,
    /// A webhook or an event that cannot be taken.
    Intake,
    /// A webhook that comes as a form.
    Form,
    /// What is stored.
    Store,
    /// A run, step, delivery or log that is not there.
    Missing,
    /// A run that is asked for.
    Manual,
    /// A run that is to be repeated.
    Rerun,
    /// A cancel that comes too late.
    Over,
    /// What is asked of a push target.
    Target,
    /// A person's word on a run that waits.
    Word,
}

impl Wrong {
    /// Every status that it is answered with, and what that says.
    pub(super) fn statuses(self) -> Vec<(StatusCode, &'static str)> {
        const SENTENCE: &str = "the sentence says what to send instead";
        let stored = || with_meaning(&StoreError::statuses());
        match self {
            Self::Address => vec![(StatusCode::BAD_REQUEST, SENTENCE)],
            Self::Json => vec![
                (StatusCode::BAD_REQUEST, SENTENCE),
                (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
                (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is taken as JSON only"),
            ],
            Self::Delivery => vec![
                (StatusCode::BAD_REQUEST, SENTENCE),
                (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
                (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
                (StatusCode::SERVICE_UNAVAILABLE, "it was not stored: send it again"),
            ],
            Self::Intake => with_meaning(&IntakeError::statuses()),
            Self::Form => vec![(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the webhook sends a form, and not JSON",
            )],
            Self::Store => stored(),
            Self::Missing => vec![(StatusCode::NOT_FOUND, "there is no such thing")],
            Self::Manual => with_meaning(&ManualError::statuses())
                .into_iter()
                .chain(stored())
                .collect(),
            Self::Word => with_meaning(&ApprovalError::statuses())
                .into_iter()
                .chain(stored())
                .collect(),
            Self::Rerun => with_meaning(&RerunError::statuses())
                .into_iter()
                .chain(stored())
                .collect(),
            Self::Over => vec![(StatusCode::CONFLICT, "it is over already")],
            Self::Target => with_meaning(&PromotionError::statuses())
                .into_iter()
                .chain(stored())
                .collect(),
        }
    }
}

fn with_meaning(statuses: &[StatusCode]) -> Vec<(StatusCode, &'static str)> {
    let meaning = |status: &StatusCode| match status.as_u16() {
        400 => "the sentence says what to send instead",
        403 => "the asker may not decide this",
        401 => "the token or signature is missing or wrong",
        404 => "there is no such thing",
        409 => "it is there, and may not be done so or cannot be read; or its id is the beginning of several",
        502 => "the model server did not take it; what served still serves",
        503 => "the database, the disk, GitHub or another change is in the way: ask again",
        _ => "a defect of Trainyard",
    };
    statuses.iter().map(|status| (*status, meaning(status))).collect()
}

/// An error of the rooms below, with the status it is answered with.
pub(super) trait Answered: std::fmt::Display {
    /// Its status.
    fn status(&self) -> StatusCode;

    /// All that [`Answered::status`] may say.
    fn statuses() -> Vec<StatusCode>;

    /// What is said with it.
    fn sentence(&self) -> String {
        self.to_string()
    }
}

/// Writes the match of a type and the list of its statuses from one table.
macro_rules! answered {
    ($error:ty $(, said by $said:path)?: $($pattern:pat => $status:ident,)*) => {
        impl Answered for $error {
            fn status(&self) -> StatusCode {
                match self {
                    $($pattern => StatusCode::$status,)*
                }
            }

            fn statuses() -> Vec<StatusCode> {
                vec![$(StatusCode::$status),*]
            }

            $(fn sentence(&self) -> String {
                $said(self)
            })?
        }
    };
}

answered! { StoreError, said by told:
    StoreError::NotFound(_) => NOT_FOUND,
    // What cannot be read is there, and asking again changes nothing; the service is well.
    StoreError::Conflict(_) | StoreError::Unreadable(_) => CONFLICT,
    // Those that pass.
    StoreError::Unreachable { .. }
        | StoreError::DiskFull { .. }
        | StoreError::Locked { .. }
        | StoreError::Pinned { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Disk { .. } => SERVICE_UNAVAILABLE,
    StoreError::SchemaTooNew { .. } | StoreError::Other { .. } => INTERNAL_SERVER_ERROR,
}

answered! { RerunError:
    RerunError::Refused(_) => CONFLICT,
    RerunError::Store(StoreError::NotFound(_)) => NOT_FOUND,
    // Its own table says which.
    RerunError::Store(_) => SERVICE_UNAVAILABLE,
}

answered! { ManualError:
    ManualError::Unknown { .. } => NOT_FOUND,
    ManualError::NotStarted(_)
        | ManualError::Span(_)
        | ManualError::NoFile { .. }
        | ManualError::Invalid { .. }
        | ManualError::NoSource(_) => BAD_REQUEST,
    // What the store says has its own status.
    ManualError::Again(_) | ManualError::Store(_) => SERVICE_UNAVAILABLE,
}

answered! { PromotionError:
    PromotionError::Unknown(_) => NOT_FOUND,
    PromotionError::Refused(_)
        | PromotionError::Content { .. }
        | PromotionError::Trial(_)
        | PromotionError::NotWritten(_) => CONFLICT,
    PromotionError::Serving { .. } => BAD_GATEWAY,
    // What the store says has its own status.
    PromotionError::Lock(_) | PromotionError::Undecided(_) | PromotionError::Store(_) => SERVICE_UNAVAILABLE,
}

answered! { ApprovalError:
    ApprovalError::NoWord(NoWord::NoName | NoWord::NoReason) => BAD_REQUEST,
    ApprovalError::NoWord(NoWord::NoRight { .. } | NoWord::OtherRepository { .. }) => FORBIDDEN,
    ApprovalError::NoWord(_) => CONFLICT,
    // What the store says has its own status.
    ApprovalError::Unknown(_) | ApprovalError::Store(_) => SERVICE_UNAVAILABLE,
}

answered! { IntakeError:
    IntakeError::Unsigned(_) => UNAUTHORIZED,
    IntakeError::Malformed(_) => BAD_REQUEST,
    // Whatever is wrong with the store, the sender should send it again.
    IntakeError::Store(_) => SERVICE_UNAVAILABLE,
}
