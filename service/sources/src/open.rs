//! A store of the settings, opened.

use crate::error::ObjectError;
use crate::settings::StoreSettings;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use trainyard_core::span::Provider;

/// A request that fails for the store's own reasons is repeated so often, and no longer than this; then whoever asked
/// waits, and asks again.
const REPEATS: usize = 4;
const REPEATED_FOR: Duration = Duration::from_secs(20);
/// A connection is there by then.
const CONNECTED: Duration = Duration::from_secs(5);
/// A piece of an object is here by then.
const ANSWERED: Duration = Duration::from_secs(120);

/// Makes ring the TLS provider of this process; calling it again changes nothing.
pub fn install_tls() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Opens it; nothing is asked of it yet.
pub(crate) fn open(settings: &StoreSettings) -> Result<Arc<dyn ObjectStore>, ObjectError> {
    install_tls();
    built(settings).map_err(|error| ObjectError::Settings {
        store: settings.name.clone(),
        why: error.to_string(),
    })
}

/// An S3 bucket, which can sign addresses as well.
pub(crate) fn s3(settings: &StoreSettings) -> object_store::Result<AmazonS3> {
    install_tls();
    let (retry, client) = patience(settings);
    let key = settings.key.as_ref().map(|key| key.expose_secret());
    let start = match key {
        Some(_) => AmazonS3Builder::new(),
        None => AmazonS3Builder::from_env(),
    };
    let mut builder = start
        .with_bucket_name(&settings.bucket.name)
        .with_retry(retry)
        .with_client_options(client);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    if let (Some(id), Some(key)) = (&settings.key_id, key) {
        builder = builder.with_access_key_id(id).with_secret_access_key(key);
    }
    builder.build()
}

fn patience(settings: &StoreSettings) -> (RetryConfig, ClientOptions) {
    let retry = RetryConfig {
        max_retries: REPEATS,
        retry_timeout: REPEATED_FOR,
        ..RetryConfig::default()
    };
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECTED)
        .with_timeout(ANSWERED)
        .with_allow_http(settings.allow_http);
    (retry, client)
}

fn built(settings: &StoreSettings) -> object_store::Result<Arc<dyn ObjectStore>> {
    let (retry, client) = patience(settings);
    let bucket = &settings.bucket.name;
    let key = settings.key.as_ref().map(|key| key.expose_secret());
    Ok(match settings.bucket.provider {
        Provider::S3 => Arc::new(s3(settings)?),
        Provider::Google => {
            let start = match key {
                Some(key) => GoogleCloudStorageBuilder::new().with_service_account_key(key),
                None => GoogleCloudStorageBuilder::from_env(),
            };
            let mut builder = start
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_client_options(client);
            if let Some(endpoint) = &settings.endpoint {
                builder = builder.with_base_url(endpoint);
            }
            Arc::new(builder.build()?)
        }
        Provider::Azure => {
            let start = match key {
                Some(key) => MicrosoftAzureBuilder::new().with_access_key(key),
                None => MicrosoftAzureBuilder::from_env(),
            };
            let mut builder = start
                .with_container_name(bucket)
                .with_retry(retry)
                .with_client_options(client);
            if let Some(account) = &settings.key_id {
                builder = builder.with_account(account);
            }
            if let Some(endpoint) = &settings.endpoint {
                builder = builder.with_endpoint(endpoint.clone());
            }
            Arc::new(builder.build()?)
        }
    })
}
