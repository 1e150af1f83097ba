//! How long people stay signed in, and how a session is named to them.

use std::time::Duration;
use trainyard_core::access::Identity;
use trainyard_core::ids::Micros;
use trainyard_store::SessionRow;

/// A session that is not used for so long is over, and so is one that began so long ago.
pub const IDLE: Duration = Duration::from_secs(12 * 3600);
/// See [`IDLE`].
pub const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// What a provider said of somebody counts so long; then it is asked again, and where somebody is signed in there nobody
/// notices.
pub const CLAIMED: Duration = Duration::from_secs(3600);

/// Characters of a session's name: of the hash it is kept under, which nobody guesses.
const NAME: usize = 12;

/// So long before.
pub fn before(at: Micros, age: Duration) -> Micros {
    Micros(at.0.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)))
}

/// Whether a session is over.
pub fn is_over(row: &SessionRow, at: Micros) -> bool {
    let longest = match row.identity {
        Identity::Claimed { .. } => CLAIMED,
        Identity::Service | Identity::Account { .. } => LONGEST,
    };
    row.used_at < before(at, IDLE) || row.began_at < before(at, longest)
}

/// What people call it: it opens nothing.
pub fn name(hash: &str) -> String {
    hash.chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_itself() {
        let at = Micros(1_725_000_000_000_000);
        let of = |identity: &Identity, began: u64, used: u64| SessionRow {
            identity: identity.clone(),
            proof: String::new(),
            began_at: before(at, Duration::from_secs(began)),
            used_at: before(at, Duration::from_secs(used)),
        };
        let claimed = Identity::Claimed {
            issuer: "https://id.example.org".to_owned(),
            subject: "7".to_owned(),
            name: "ada".to_owned(),
            role: trainyard_core::access::Role::Admin,
        };
        for (identity, began, used, over) in [
            (&Identity::Service, 0, 0, false),
            (&Identity::Service, 6 * 86_400, 3600, false),
            (&Identity::Service, 86_400, 13 * 3600, true),
            (&Identity::Service, 8 * 86_400, 0, true),
            (&claimed, 3500, 0, false),
            (&claimed, 3700, 0, true),
        ] {
            assert_eq!(is_over(&of(identity, began, used), at), over, "{began} {used}");
        }
    }
}
