//! What of a push target nobody can look at after a crash: what it serves is then found out in another way, or not.

/// Something that a receiver of webhooks does not say. Those that write folders say all of it by their markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blind {
    /// It has no status.
    Status,
    /// Its status names no model.
    Digest,
    /// Its status names no instance.
    Instance,
}

impl Blind {
    /// What its `status_url` answers, if it has one: whether that has a `digest` and an `instance`.
    pub fn of(status: Option<(bool, bool)>) -> Vec<Self> {
        match status {
            None => vec![Self::Status],
            Some((digest, instance)) => {
                let unsaid = [(digest, Self::Digest), (instance, Self::Instance)];
                unsaid
                    .into_iter()
                    .filter(|(said, _)| !said)
                    .map(|(_, blind)| blind)
                    .collect()
            }
        }
    }

    /// What follows, and what to do.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Status => {
                "without a status_url nobody can look what it serves: after a crash or a lost connection the same request is sent again, so that its receiver must take one version and digest twice, and what others make it serve is never noticed; set status_url"
            }
            Self::Digest => {
                "its status names no digest, so that another model under the same version would not be noticed, for example after a restored backup: let it answer the version, digest and instance that it was sent"
            }
            Self::Instance => {
                "its status names no instance, so that a version of another Trainyard cannot be told from one of this: let it answer the version, digest and instance that it was sent"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_known() {
        assert_eq!(Blind::of(None), [Blind::Status]);
        assert_eq!(Blind::of(Some((false, false))), [Blind::Digest, Blind::Instance]);
        assert_eq!(Blind::of(Some((true, false))), [Blind::Instance]);
        assert_eq!(Blind::of(Some((true, true))), []);
        for blind in [Blind::Status, Blind::Digest, Blind::Instance] {
            assert!(blind.sentence().contains("status"));
        }
    }
}
