//! A folder of an S3 bucket through which this machine and pods of a cluster exchange objects.

use crate::error::ObjectError;
use crate::open::s3;
use crate::settings::StoreSettings;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::signer::Signer as _;
use object_store::{
    Attributes, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    WriteMultipart,
};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use trainyard_core::span::Provider;

/// Bytes of a piece of an upload, and pieces that are on their way at once.
const PIECE: usize = 8 << 20;
const AT_ONCE: usize = 4;
/// S3 takes no signed address that is good for longer.
pub const LONGEST_SIGNED: Duration = Duration::from_secs(7 * 86_400);

/// What a signed address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read an object.
    Get,
    /// To write one.
    Put,
}

/// The bytes of an object, as they come.
pub type ObjectBytes = BoxStream<'static, io::Result<bytes::Bytes>>;

/// A folder of a bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    store: std::sync::Arc<AmazonS3>,
    name: String,
    place: String,
    folder: Key,
}

impl Exchange {
    /// Opens it; nothing is asked of it yet.
    pub fn open(settings: &StoreSettings) -> Result<Self, ObjectError> {
        let wrong = |why: String| ObjectError::Settings {
            store: settings.name.clone(),
            why,
        };
        if settings.bucket.provider != Provider::S3 {
            return Err(wrong("pods exchange objects through s3:// only".to_owned()));
        }
        let place = match settings.folder.as_str() {
            "" => settings.bucket.to_string(),
            folder => format!("{}/{folder}", settings.bucket),
        };
        let folder = Key::parse(&settings.folder).map_err(|error| wrong(error.to_string()))?;
        let store = s3(settings).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            store: std::sync::Arc::new(store),
            name: settings.name.clone(),
            place,
            folder,
        })
    }

    /// `s3://bucket/folder`.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn key(&self, name: &str) -> Key {
        name.split('/').fold(self.folder.clone(), |key, part| key.join(part))
    }

    fn told(&self, name: &str) -> impl Fn(object_store::Error) -> ObjectError + '_ {
        let place = format!("{}/{name}", self.place);
        move |error| ObjectError::of_exchange(error, &self.name, &place)
    }

    /// Whether objects can be written, read and removed here, and are kept when somebody else wants to write the same.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let name = ".trainyard-probe";
        self.put(name, b"1".to_vec()).await?;
        let again = self.put_new(name, b"2".to_vec()).await?;
        let found = self.get(name).await?;
        self.remove(name).await?;
        match (again, found.as_deref()) {
            (false, Some(b"1")) => Ok(()),
            _ => Err(ObjectError::Settings {
                store: self.name.clone(),
                why: "it overwrites what is there although it was asked not to (If-None-Match)".to_owned(),
            }),
        }
    }

    /// Writes a small object.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let payload = PutPayload::from(bytes);
        let put = self.store.put(&self.key(name), payload).await;
        put.map(drop).map_err(self.told(name))
    }

    /// Writes a small object unless there is one of its name; whether it did.
    pub async fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<bool, ObjectError> {
        let options = PutOptions {
            mode: PutMode::Create,
            attributes: Attributes::default(),
            ..PutOptions::default()
        };
        match self
            .store
            .put_opts(&self.key(name), PutPayload::from(bytes), options)
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.told(name)(error)),
        }
    }

    /// Whether there is an object of this name.
    pub async fn contains(&self, name: &str) -> Result<bool, ObjectError> {
        match self.store.head(&self.key(name)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.told(name)(error)),
        }
    }

    /// All of a small object, if it is there.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let found = match self.store.get(&self.key(name)).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => Err(error),
        };
        found.map(|bytes| Some(bytes.to_vec())).map_err(self.told(name))
    }

    /// The bytes of an object from this place on, as they come; `None` if it is not there.
    pub async fn read(&self, name: &str, from: u64) -> Result<Option<ObjectBytes>, ObjectError> {
        let options = GetOptions {
            range: (from > 0).then_some(GetRange::Offset(from)),
            ..GetOptions::default()
        };
        match self.store.get_opts(&self.key(name), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.told(name)(error)),
        }
    }

    /// Writes an object from pieces that come in; it is there when all of them came, or not at all.
    pub async fn upload(&self, name: &str, mut pieces: mpsc::Receiver<io::Result<Vec<u8>>>) -> Result<(), ObjectError> {
        let told = self.told(name);
        let begun = self.store.put_multipart(&self.key(name)).await.map_err(&told)?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, PIECE);
        while let Some(piece) = pieces.recv().await {
            let failed = match piece {
                Ok(piece) => {
                    let waited = upload.wait_for_capacity(AT_ONCE).await.map_err(&told);
                    upload.write(&piece);
                    waited.err()
                }
                Err(source) => Some(ObjectError::Disk {
                    place: format!("{}/{name}", self.place),
                    source,
                }),
            };
            if let Some(failed) = failed {
                // What it leaves is no object, and goes by a rule of the bucket.
                let _ = upload.abort().await;
                return Err(failed);
            }
        }
        upload.finish().await.map(drop).map_err(&told)
    }

    /// An address that whoever has it may use once and again until it is too old, without a key.
    pub async fn sign(&self, access: Access, name: &str, good_for: Duration) -> Result<String, ObjectError> {
        let method = match access {
            Access::Get => http::Method::GET,
            Access::Put => http::Method::PUT,
        };
        let key = self.key(name);
        let signed = self.store.signed_url(method, &key, good_for.min(LONGEST_SIGNED)).await;
        signed.map(|address| address.to_string()).map_err(self.told(name))
    }

    /// Removes an object; one that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), ObjectError> {
        match self.store.delete(&self.key(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.told(name)(error)),
        }
    }

    /// Removes every object of a folder.
    pub async fn remove_folder(&self, name: &str) -> Result<(), ObjectError> {
        let found: Vec<Key> = self
            .store
            .list(Some(&self.key(name)))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(self.told(name))?;
        for key in found {
            match self.store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.told(name)(error)),
            }
        }
        Ok(())
    }
}
