//! Webhook signatures: HMAC-SHA256 over the raw body, checked before anything is parsed.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::Choice;

/// Proof that these bytes were signed with one of our secrets. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The bytes, for storing them.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The bytes.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Why a delivery is not believed. The sentences tell a forger nothing that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no secret, so that nothing can be believed.
    #[error("no webhook secret is configured: set one here and in the webhook's settings on GitHub")]
    NotConfigured,
    /// The header is missing.
    #[error(
        "the delivery is not signed (header X-Hub-Signature-256): set the secret in the webhook's settings on GitHub"
    )]
    Missing,
    /// The header is not `sha256=` and 64 hex digits.
    #[error("the header X-Hub-Signature-256 is not 'sha256=' followed by 64 hex digits")]
    Malformed,
    /// The signature belongs to another body or another secret.
    #[error(
        "the signature does not fit the body: is the secret the same here and in the webhook's settings on GitHub?"
    )]
    Mismatch,
}

/// Checks the value of `X-Hub-Signature-256` against the raw body. During a rotation two secrets
/// are valid; empty ones never are. The time taken does not depend on which one fits.
pub fn verify<T: AsRef<[u8]>>(
    secrets: &[SecretString],
    header: Option<&str>,
    body: T,
) -> Result<Verified<T>, SignatureError> {
    let usable: Vec<&str> = secrets
        .iter()
        .map(ExposeSecret::expose_secret)
        .filter(|secret| !secret.is_empty())
        .collect();
    if usable.is_empty() {
        return Err(SignatureError::NotConfigured);
    }
    let header = header
        .filter(|value| !value.is_empty())
        .ok_or(SignatureError::Missing)?;
    let digits = header.strip_prefix("sha256=").ok_or(SignatureError::Malformed)?;
    let mut tag = [0_u8; 32];
    hex::decode_to_slice(digits, &mut tag).map_err(|_| SignatureError::Malformed)?;
    let fits = usable
        .iter()
        .fold(Choice::from(0), |any, secret| any | fits(secret, body.as_ref(), &tag));
    if bool::from(fits) {
        Ok(Verified(body))
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn fits(secret: &str, body: &[u8], tag: &[u8; 32]) -> Choice {
    let matches = keyed(secret, body).is_some_and(|mac| mac.verify_slice(tag).is_ok());
    Choice::from(u8::from(matches))
}

fn keyed(secret: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}

/// The header value that a sender with this secret puts on the body.
pub fn sign(secret: &str, body: &[u8]) -> String {
    keyed(secret, body).map_or_else(String::new, |mac| {
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    fn refused(secret: &[&str], header: Option<&str>, body: &[u8]) -> Option<SignatureError> {
        verify(&secrets(secret), header, body).err()
    }

    #[test]
    fn githubs_own_example_is_accepted() {
        assert_eq!(sign(SECRET, BODY), SIGNED);
        assert_eq!(*verify(&secrets(&[SECRET]), Some(SIGNED), BODY).unwrap().get(), BODY);
    }

    #[test]
    fn either_secret_is_valid_during_a_rotation() {
        for pair in [["new", SECRET], [SECRET, "new"], ["", SECRET]] {
            assert_eq!(refused(&pair, Some(SIGNED), BODY), None);
        }
        assert_eq!(
            refused(&["new", "newer"], Some(SIGNED), BODY),
            Some(SignatureError::Mismatch)
        );
    }

    #[test]
    fn without_a_secret_nothing_is_accepted() {
        let signed_with_nothing = sign("", BODY);
        for secrets in [&[][..], &[""], &["", ""]] {
            for header in [Some(SIGNED), Some(&*signed_with_nothing), Some("sha256="), None] {
                assert_eq!(refused(secrets, header, BODY), Some(SignatureError::NotConfigured));
            }
        }
        assert_eq!(
            refused(&[SECRET, ""], Some(&signed_with_nothing), BODY),
            Some(SignatureError::Mismatch)
        );
    }

    #[test]
    fn headers_that_are_not_signatures_are_refused() {
        let digits = &SIGNED[7..];
        let long = format!("{SIGNED}00");
        let sha1 = "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6".to_owned();
        let malformed = [
            "sha256=".to_owned(),
            digits.to_owned(),
            format!("SHA256={digits}"),
            format!(" {SIGNED}"),
            format!("{SIGNED} "),
            SIGNED[..70].to_owned(),
            long,
            sha1,
            format!("sha256={}", "é".repeat(32)),
            format!("sha256={}", "ｆ".repeat(64)),
            format!("sha256=0x{}", &digits[2..]),
            format!("{SIGNED},{SIGNED}"),
            "sha256=\0".to_owned(),
        ];
        for header in malformed {
            assert_eq!(
                refused(&[SECRET], Some(&header), BODY),
                Some(SignatureError::Malformed),
                "{header:?}"
            );
        }
        assert_eq!(refused(&[SECRET], None, BODY), Some(SignatureError::Missing));
        assert_eq!(refused(&[SECRET], Some(""), BODY), Some(SignatureError::Missing));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn one_changed_bit_is_noticed(body in proptest::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let signed = sign(SECRET, &body);
            prop_assert!(verify(&secrets(&[SECRET]), Some(&signed), &body).is_ok());
            let mut other = body.clone();
            other[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(refused(&[SECRET], Some(&signed), &other), Some(SignatureError::Mismatch));
            let mut tag = hex::decode(&signed[7..]).unwrap();
            tag[at.index(32)] ^= 1 << bit;
            let forged = format!("sha256={}", hex::encode(tag));
            prop_assert_eq!(refused(&[SECRET], Some(&forged), &body), Some(SignatureError::Mismatch));
        }

        #[test]
        fn no_header_makes_a_panic(header in ".{0,90}", body in proptest::collection::vec(any::<u8>(), 0..50)) {
            prop_assert!(refused(&[SECRET], Some(&header), &body).is_some());
        }
    }
}
