//! Why an object store gives nothing.

use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;
use std::io;
use trainyard_core::span::Bucket;

/// Why an object, or a listing of them, cannot be had; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The settings do not have its bucket.
    #[error(
        "{place} is in none of the object stores of trainyard.toml: add one with url = \"{bucket}\" to [object_stores]"
    )]
    NoStore {
        /// What was to be read.
        place: String,
        /// Its bucket.
        bucket: Bucket,
    },
    /// The settings of a store make no sense.
    #[error("the object store '{store}' cannot be used: {why}; correct [object_stores.{store}] of trainyard.toml")]
    Settings {
        /// Its name.
        store: String,
        /// What its library says.
        why: String,
    },
    /// The store refuses us.
    #[error(
        "{place} may not be read: the object store '{store}' refuses the key it was given; let it list and read the bucket, or correct [object_stores.{store}] of trainyard.toml"
    )]
    Refused {
        /// What was to be read.
        place: String,
        /// The store's name.
        store: String,
    },
    /// The store lets us not write, or not read what we wrote.
    #[error(
        "{place} may not be exchanged with pods: the object store '{store}' refuses the key it was given; let it list, read, write and remove objects there, or correct [object_stores.{store}] of trainyard.toml"
    )]
    Closed {
        /// What was to be written or read.
        place: String,
        /// The store's name.
        store: String,
    },
    /// There is no such bucket.
    #[error(
        "the object store '{store}' has no bucket for {place}: make it, or correct the source's uri or [object_stores.{store}] of trainyard.toml"
    )]
    NoBucket {
        /// What was to be read.
        place: String,
        /// The store's name.
        store: String,
    },
    /// A key that is no path.
    #[error("{place} has an object whose key is no path: {why}; rename it, without empty parts, '.' and '..'")]
    Key {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was there a moment ago.
    #[error("{place} is gone: it was there when the bucket was listed")]
    Gone {
        /// The object.
        place: String,
    },
    /// It is another one than it was.
    #[error("{place} changed since it was chosen: run again on the new content")]
    Changed {
        /// The object.
        place: String,
    },
    /// The store does not answer, asks to wait, or has a fault of its own.
    #[error("{place} cannot be read now, and is asked for again: the object store '{store}' {why}")]
    Away {
        /// What was to be read.
        place: String,
        /// The store's name.
        store: String,
        /// What it does.
        why: String,
    },
    /// The copy cannot be kept.
    #[error("the copy of {place} cannot be kept: {source}")]
    Disk {
        /// The object.
        place: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ObjectError {
    /// Whether it passes by itself, or by what somebody does elsewhere: it is worth another try.
    pub fn passes(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Disk { .. } | Self::NoBucket { .. } => true,
            Self::NoStore { .. }
            | Self::Settings { .. }
            | Self::Refused { .. }
            | Self::Closed { .. }
            | Self::Key { .. }
            | Self::Gone { .. }
            | Self::Changed { .. } => false,
        }
    }

    /// What a listing says, which does not tell a refusal from a fault.
    pub(crate) fn of_listing(error: object_store::Error, probe: object_store::Error, store: &str, place: &str) -> Self {
        match probe {
            // Where buckets can be listed this is said of an object too; whether it is the bucket passes with it.
            object_store::Error::NotFound { .. } => Self::NoBucket {
                place: place.to_owned(),
                store: store.to_owned(),
            },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::of(probe, store, place)
            }
            _ => Self::of(error, store, place),
        }
    }

    /// What a request for an object says.
    pub(crate) fn of_object(error: object_store::Error, store: &str, place: &str) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Gone {
                place: place.to_owned(),
            },
            error => Self::of(error, store, place),
        }
    }

    /// What a request of the exchange with pods says: it writes as well, and a bucket that is not there is said of an object.
    pub(crate) fn of_exchange(error: object_store::Error, store: &str, place: &str) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NoBucket {
                place: place.to_owned(),
                store: store.to_owned(),
            },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Closed {
                    place: place.to_owned(),
                    store: store.to_owned(),
                }
            }
            error => Self::of(error, store, place),
        }
    }

    fn of(error: object_store::Error, store: &str, place: &str) -> Self {
        let (place, store) = (place.to_owned(), store.to_owned());
        match error {
            object_store::Error::Precondition { .. } => Self::Changed { place },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Refused { place, store }
            }
            object_store::Error::InvalidPath { source } => Self::Key {
                place,
                why: source.to_string(),
            },
            error => Self::Away {
                place,
                store,
                why: why(&error),
            },
        }
    }
}

/// Of a chain of causes what a person can use: that nobody answers, or the first cause's own words. Addresses with
/// what signs them are further out and stay there.
fn why(error: &object_store::Error) -> String {
    let mut cause: &(dyn Error + 'static) = error;
    loop {
        match cause.downcast_ref::<HttpError>().map(HttpError::kind) {
            Some(HttpErrorKind::Connect) => return "cannot be reached".to_owned(),
            Some(HttpErrorKind::Timeout) => return "does not answer in time".to_owned(),
            Some(HttpErrorKind::Interrupted) => return "broke the connection off".to_owned(),
            _ => {}
        }
        match cause.source() {
            Some(next) => cause = next,
            None => break,
        }
    }
    let said: String = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = said.chars().take(LONGEST_WORDS).collect();
    format!("says: {short}")
}

/// Characters of an answer's body that are told.
const LONGEST_WORDS: usize = 300;
