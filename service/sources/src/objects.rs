//! Objects: listed by a pattern, and brought to this machine by content.

use crate::copies::Copies;
use crate::error::ObjectError;
use crate::open::open;
use crate::settings::{ObjectSettings, StoreSettings};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::sync::Mutex;
use trainyard_core::artifact::Digest;
use trainyard_core::span::{Bucket, SpanFile, SpanPattern};

/// Bytes that are asked for at once: so much of an object is in memory.
const PIECE: u64 = 8 << 20;
/// Objects that are on their way at once.
const LANES: usize = 8;
/// An object that nobody has.
const PROBE: &str = ".trainyard-probe";

/// The object stores of the settings, with the copies of what was read from them. Clones share it all.
#[derive(Clone, Debug)]
pub struct Objects {
    stores: Arc<Vec<Store>>,
    copies: Arc<Copies>,
    /// Who brings an object has the lane of its address: nobody brings it a second time meanwhile.
    lanes: Arc<[Mutex<()>; LANES]>,
}

#[derive(Debug)]
struct Store {
    settings: StoreSettings,
    opened: OnceLock<Arc<dyn ObjectStore>>,
}

/// An object of a data source, as a listing has it.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// The span that its address names.
    pub file: SpanFile,
    key: Key,
    size: u64,
    modified: DateTime<Utc>,
    /// None where the store gives none that stands for the bytes.
    e_tag: Option<String>,
}

impl Store {
    fn opened(&self) -> Result<&Arc<dyn ObjectStore>, ObjectError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = open(&self.settings)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn name(&self) -> &str {
        &self.settings.name
    }

    /// Why a listing failed: its library says of a listing only that it did, and of an object why.
    async fn unlisted(&self, error: object_store::Error, folder: &Key, place: &str) -> ObjectError {
        let asked = match self.opened() {
            Ok(opened) => opened.head(&folder.clone().join(PROBE)).await,
            Err(error) => return error,
        };
        match asked {
            Ok(_) => ObjectError::of_object(error, self.name(), place),
            Err(probe) => ObjectError::of_listing(error, probe, self.name(), place),
        }
    }
}

impl Objects {
    /// The stores of the settings, with their copies in a folder, which need not be there.
    pub fn new(settings: &ObjectSettings, folder: PathBuf) -> Self {
        let store = |settings: &StoreSettings| Store {
            settings: settings.clone(),
            opened: OnceLock::new(),
        };
        Self {
            stores: Arc::new(settings.stores.iter().map(store).collect()),
            copies: Arc::new(Copies::new(folder, settings.room)),
            lanes: Arc::default(),
        }
    }

    /// Every object that is a span of a pattern with a bucket.
    pub async fn list(&self, pattern: &SpanPattern) -> Result<Vec<ListedObject>, ObjectError> {
        let (bucket, folder, store) = self.of(pattern.glob_root())?;
        let keyless = |error: object_store::path::Error| ObjectError::Key {
            place: pattern.glob_root().to_owned(),
            why: error.to_string(),
        };
        let folder = Key::parse(folder).map_err(keyless)?;
        let mut listing = store.opened()?.list(Some(&folder));
        let mut found = Vec::new();
        loop {
            let object = match listing.try_next().await {
                Ok(Some(object)) => object,
                Ok(None) => break,
                Err(error) => return Err(store.unlisted(error, &folder, pattern.glob_root()).await),
            };
            let address = format!("{bucket}/{}", object.location);
            if let Some(file) = pattern.match_path(&address) {
                found.push(ListedObject::of(file, object));
            }
        }
        Ok(found)
    }

    /// Looks whether a store can be listed.
    pub async fn check(&self, store: &StoreSettings) -> Result<(), ObjectError> {
        let place = format!("{}/{}", store.bucket, store.folder);
        let (_, folder, store) = self.of(&place)?;
        let folder = Key::from(folder);
        match store.opened()?.list(Some(&folder)).try_next().await {
            Ok(_) => Ok(()),
            Err(error) => Err(store.unlisted(error, &folder, &place).await),
        }
    }

    /// The content of an object whose copy is here already.
    pub async fn known(&self, object: &ListedObject) -> Result<Option<Digest>, ObjectError> {
        let Some(e_tag) = object.e_tag.clone() else {
            return Ok(None);
        };
        let (address, size) = (object.file.path.clone(), object.size);
        self.apart(&object.file.path, move |copies| copies.find(&address, &e_tag, size))
            .await
    }

    /// The content of an object, whose copy is here afterwards. One that is another object by now is refused.
    pub async fn bring(&self, object: &ListedObject) -> Result<Digest, ObjectError> {
        let address = &object.file.path;
        let _lane = self.lane(address).lock().await;
        if let Some(digest) = self.known(object).await? {
            return Ok(digest);
        }
        let digest = self.download(address, object).await?;
        if let Some(e_tag) = object.e_tag.clone() {
            let (address, size, content) = (address.clone(), object.size, digest.clone());
            let noted = move |copies: &Copies| copies.remember(&address, &e_tag, size, &content);
            self.apart(&object.file.path, noted).await?;
        }
        Ok(digest)
    }

    /// Sees to it that the copy with this content is here: another machine may have chosen it, or it made room since.
    pub async fn ensure(&self, address: &str, digest: &Digest) -> Result<(), ObjectError> {
        if self.copies.contains(digest) {
            return Ok(());
        }
        let _lane = self.lane(address).lock().await;
        if self.copies.contains(digest) {
            return Ok(());
        }
        let (_, key, store) = self.of(address)?;
        let key = Key::parse(key).map_err(|error| ObjectError::Key {
            place: address.to_owned(),
            why: error.to_string(),
        })?;
        let told = |error| ObjectError::of_object(error, store.name(), address);
        let meta = store.opened()?.head(&key).await.map_err(told)?;
        let file = SpanFile {
            span: 0,
            version: None,
            label: String::new(),
            path: address.to_owned(),
        };
        let found = self.download(address, &ListedObject::of(file, meta)).await?;
        match found == *digest {
            true => Ok(()),
            false => Err(ObjectError::Changed {
                place: address.to_owned(),
            }),
        }
    }

    /// Where the copy with this content is, or would be.
    pub fn place(&self, digest: &Digest) -> PathBuf {
        self.copies.place(digest)
    }

    async fn download(&self, address: &str, object: &ListedObject) -> Result<Digest, ObjectError> {
        let (_, _, store) = self.of(address)?;
        let opened = store.opened()?;
        let told = |error| ObjectError::of_object(error, store.name(), address);
        let mut file = self.apart(address, Copies::begin).await?;
        let (mut hash, mut at) = (Sha256::new(), 0);
        while at < object.size {
            let end = object.size.min(at + PIECE);
            let options = GetOptions {
                // Every piece is of the object that was listed, or there is none.
                if_match: object.e_tag.clone(),
                if_unmodified_since: object.e_tag.is_none().then_some(object.modified),
                range: Some(GetRange::Bounded(at..end)),
                ..GetOptions::default()
            };
            let answer = opened.get_opts(&object.key, options).await.map_err(told)?;
            // Dates have whole seconds: without an ETag the size tells of more.
            if answer.meta.size != object.size {
                return Err(ObjectError::Changed {
                    place: address.to_owned(),
                });
            }
            let piece = answer.bytes().await.map_err(told)?;
            if piece.len() as u64 != end - at {
                return Err(ObjectError::Away {
                    place: address.to_owned(),
                    store: store.name().to_owned(),
                    why: format!("gave {} of {} bytes", piece.len(), end - at),
                });
            }
            at = end;
            let written = move |_: &Copies| {
                hash.update(&piece);
                file.write_all(&piece)?;
                Ok((file, hash))
            };
            (file, hash) = self.apart(address, written).await?;
        }
        let digest = Digest::from_sha256(&hash.finalize());
        let content = digest.clone();
        self.apart(address, move |copies| copies.keep(file, &content)).await?;
        tracing::info!(object = address, bytes = object.size, "an object was read");
        Ok(digest)
    }

    /// What blocks, in a thread that may.
    async fn apart<T: Send + 'static>(
        &self,
        address: &str,
        work: impl FnOnce(&Copies) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let copies = Arc::clone(&self.copies);
        let done = tokio::task::spawn_blocking(move || work(&copies)).await;
        done.map_err(io::Error::other)
            .and_then(|done| done)
            .map_err(|source| ObjectError::Disk {
                place: address.to_owned(),
                source,
            })
    }

    fn lane(&self, address: &str) -> &Mutex<()> {
        let sum: usize = address.bytes().map(usize::from).sum();
        &self.lanes[sum % LANES]
    }

    /// Bucket, key and store of an address: of several stores with its bucket the one whose folder is deepest.
    fn of<'a>(&'a self, address: &'a str) -> Result<(Bucket, &'a str, &'a Store), ObjectError> {
        let split = Bucket::of(address).ok().flatten();
        let (bucket, key) = split.ok_or_else(|| ObjectError::Key {
            place: address.to_owned(),
            why: "it has no bucket".to_owned(),
        })?;
        let has = |store: &&Store| store.settings.bucket == bucket && store.settings.has(key);
        let found = self.stores.iter().filter(has);
        let found = found.max_by_key(|store| store.settings.folder.len());
        match found {
            Some(store) => Ok((bucket, key, store)),
            None => Err(ObjectError::NoStore {
                place: address.to_owned(),
                bucket,
            }),
        }
    }
}

impl ListedObject {
    fn of(file: SpanFile, meta: ObjectMeta) -> Self {
        Self {
            file,
            key: meta.location,
            size: meta.size,
            modified: meta.last_modified,
            // A weak one stands for the meaning, and others may have the same.
            e_tag: meta.e_tag.filter(|e_tag| !e_tag.starts_with("W/")),
        }
    }
}
