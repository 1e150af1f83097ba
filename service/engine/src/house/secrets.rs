//! Secrets that sign webhooks, exchanged while the service runs.

use secrecy::SecretString;
use std::sync::{Arc, PoisonError, RwLock};

/// Those that count now: several while one takes the place of another.
#[derive(Debug, Default)]
pub(crate) struct WebhookSecrets(RwLock<Arc<Vec<SecretString>>>);

impl WebhookSecrets {
    pub(crate) fn new(secrets: Vec<SecretString>) -> Self {
        Self(RwLock::new(Arc::new(secrets)))
    }

    /// For one delivery.
    pub(crate) fn load(&self) -> Arc<Vec<SecretString>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next delivery on.
    pub(crate) fn replace(&self, secrets: Vec<SecretString>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }
}
