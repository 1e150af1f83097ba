//! How much one identity may ask of GitHub: its calls by GitHub's own headers, its writes by what GitHub allows of
//! them. Source: GitHub's "Rate limits for the REST API", where the figures are.

use super::error::{GitHubError, guessed_wait};
use http::HeaderMap;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use trainyard_core::report::Urgency;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Requests that make content: so many GitHub takes of one identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// In any minute.
    pub per_minute: u32,
    /// In any hour.
    pub per_hour: u32,
}

impl Allowance {
    /// What github.com allows.
    pub const GITHUB: Self = Self {
        per_minute: 80,
        per_hour: 500,
    };

    /// Another number a minute, and as many an hour as github.com has for it.
    pub fn per_minute(per_minute: u32) -> Self {
        Self {
            per_minute,
            per_hour: per_minute.saturating_mul(Self::GITHUB.per_hour) / Self::GITHUB.per_minute,
        }
    }
}

/// The part of an allowance that is kept for verdicts: a tenth, one at least.
fn kept_for_verdicts(allowed: u32) -> u32 {
    allowed.div_ceil(10)
}

/// The limits of a token, an App, or one installation of it. It outlives the identity's tokens.
pub(crate) struct Governor {
    allowance: Option<Allowance>,
    known: Mutex<Known>,
}

/// What is known of the limits.
#[derive(Default)]
struct Known {
    /// No call is made before: those that are made while limited can get us banned.
    until: Option<Instant>,
    /// Since when that is known. An answer to what was asked before says nothing of it.
    since: Option<Instant>,
    guesses: u32,
    /// The writes of the last hour, oldest first.
    writes: VecDeque<Instant>,
    left: Option<Left>,
}

/// The calls that are left.
#[derive(Clone, Copy)]
struct Left {
    calls: u64,
    of: u64,
    until: Instant,
}

impl Governor {
    pub(crate) fn new(allowance: Option<Allowance>) -> Self {
        Self {
            allowance,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a call that GitHub would refuse.
    pub(crate) fn may_call(&self) -> Result<(), GitHubError> {
        match self.known().limited(Instant::now()) {
            None => Ok(()),
            Some(left) => Err(GitHubError::RateLimited {
                // Rounded up, so that a caller who waits so long may call.
                retry_after: Duration::from_secs(left.as_secs() + 1),
                named: true,
            }),
        }
    }

    /// How long a write has to wait; `None` if it may be made now.
    pub(crate) fn wait(&self, urgency: Urgency) -> Option<Duration> {
        self.known().wait(self.allowance, urgency, Instant::now())
    }

    /// Whether enough calls are left for those that nobody waits for: a quarter of them.
    pub(crate) fn can_spare(&self) -> bool {
        let (known, now) = (self.known(), Instant::now());
        known.limited(now).is_none() && known.left(now).is_none_or(|left| left.calls > left.of / 4)
    }

    /// The calls that are left of how many, as GitHub said last.
    pub(crate) fn left(&self) -> Option<(u64, u64)> {
        self.known().left(Instant::now()).map(|left| (left.calls, left.of))
    }

    /// A write goes out.
    pub(crate) fn wrote(&self) {
        let (mut known, now) = (self.known(), Instant::now());
        known.forget(now);
        known.writes.push_back(now);
    }

    /// What the headers of an answer say.
    pub(crate) fn heard(&self, headers: &HeaderMap) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some((calls, of, wait)) = told(headers, now.as_secs()) {
            self.known().left = Some(Left {
                calls,
                of,
                until: Instant::now() + wait,
            });
        }
    }

    /// How a call that began at `asked` ended.
    pub(crate) fn remember(&self, asked: Instant, error: Option<&GitHubError>) {
        self.known().remember(asked, error, Instant::now());
    }
}

impl Known {
    /// How long no call is made.
    fn limited(&self, now: Instant) -> Option<Duration> {
        let used_up = self.left(now).filter(|left| left.calls == 0).map(|left| left.until);
        let until = self.until.max(used_up)?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    fn left(&self, now: Instant) -> Option<Left> {
        self.left.filter(|left| left.until > now)
    }

    fn wait(&self, allowance: Option<Allowance>, urgency: Urgency, now: Instant) -> Option<Duration> {
        let scarce = |left: &Left| urgency != Urgency::Verdict && left.calls <= left.of / 20;
        let calls = self.left(now).filter(scarce).map(|left| left.until);
        let writes = allowance.and_then(|allowance| self.room(allowance, urgency, now));
        let waits = [
            self.limited(now),
            calls.map(|until| until.saturating_duration_since(now)),
            writes,
        ];
        waits.into_iter().flatten().max().filter(|wait| !wait.is_zero())
    }

    /// When there is room for another write in the last minute and hour.
    fn room(&self, allowance: Allowance, urgency: Urgency, now: Instant) -> Option<Duration> {
        let span = |allowed: u32, span: Duration| {
            let kept = match urgency {
                Urgency::Verdict => 0,
                Urgency::Comment | Urgency::Progress => kept_for_verdicts(allowed),
            };
            let most = usize::try_from(allowed.saturating_sub(kept).max(1)).unwrap_or(usize::MAX);
            // With this one over there is one less in the span.
            let blocking = self.writes.len().checked_sub(most).and_then(|at| self.writes.get(at))?;
            (*blocking + span).checked_duration_since(now)
        };
        span(allowance.per_minute, MINUTE).max(span(allowance.per_hour, HOUR))
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.writes.front()
            && now.saturating_duration_since(*oldest) >= HOUR
        {
            self.writes.pop_front();
        }
    }

    fn remember(&mut self, asked: Instant, error: Option<&GitHubError>, now: Instant) {
        match error {
            Some(GitHubError::RateLimited { retry_after, named }) => {
                let wait = match named {
                    true => *retry_after,
                    false => {
                        self.guesses += 1;
                        guessed_wait(self.guesses - 1)
                    }
                };
                self.until = self.until.max(Some(now + wait));
                self.since = Some(now);
            }
            None if self.since.is_none_or(|since| since < asked) => {
                self.until = None;
                self.guesses = 0;
            }
            _ => {}
        }
    }
}

/// The calls that are left, of how many, and for how long; `None` where the headers say nothing, or of other limits
/// than those of the REST API.
fn told(headers: &HeaderMap, now: u64) -> Option<(u64, u64, Duration)> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
    if text("x-ratelimit-resource").is_some_and(|resource| resource != "core") {
        return None;
    }
    let (calls, of) = (number("x-ratelimit-remaining")?, number("x-ratelimit-limit")?);
    let seconds = number("x-ratelimit-reset")?.saturating_sub(now);
    // One second more, because clocks differ; no longer than GitHub's hour, whatever a clock says.
    Some((calls, of, Duration::from_secs(seconds.min(HOUR.as_secs() - 1) + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limited(seconds: u64, named: bool) -> GitHubError {
        GitHubError::RateLimited {
            retry_after: Duration::from_secs(seconds),
            named,
        }
    }

    fn seconds(wait: Option<Duration>) -> u64 {
        wait.map_or(0, |wait| wait.as_secs())
    }

    #[test]
    fn guesses_double_and_end_with_a_success() {
        let (mut known, start) = (Known::default(), Instant::now());
        let mut waits = Vec::new();
        for at in 0..3 {
            let now = start + HOUR * at;
            known.remember(now, Some(&limited(60, false)), now);
            waits.push(seconds(known.limited(now)));
        }
        let later = start + HOUR * 4;
        known.remember(later, None, later);
        known.remember(later, Some(&limited(60, false)), later);
        waits.push(seconds(known.limited(later)));
        assert_eq!(waits, [60, 120, 240, 60]);
    }

    #[test]
    fn an_answer_to_an_earlier_call_ends_no_limit() {
        let (mut known, start) = (Known::default(), Instant::now());
        let second = Duration::from_secs(1);
        known.remember(start, Some(&limited(30, true)), start + second);
        known.remember(start, None, start + second * 2);
        assert_eq!(seconds(known.limited(start + second * 2)), 29);
        // A shorter one that comes in later does not shorten it.
        known.remember(start, Some(&limited(5, true)), start + second * 2);
        assert_eq!(seconds(known.limited(start + second * 2)), 29);
    }

    #[test]
    fn calls_that_are_used_up_are_not_asked_for_and_few_are_kept_for_verdicts() {
        let mut known = Known::default();
        let now = Instant::now();
        let mut with = |calls: u64| {
            known.left = Some(Left {
                calls,
                of: 5000,
                until: now + MINUTE,
            });
            let waits = [Urgency::Verdict, Urgency::Progress].map(|urgency| seconds(known.wait(None, urgency, now)));
            (seconds(known.limited(now)), waits)
        };
        assert_eq!(with(5000), (0, [0, 0]));
        assert_eq!(with(250), (0, [0, 60]));
        assert_eq!(with(0), (60, [60, 60]));
    }

    #[test]
    fn headers_are_read_as_github_writes_them() {
        let said = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_str(value).unwrap(),
                )
            });
            told(&pairs.collect(), 1000).map(|(calls, of, wait)| (calls, of, wait.as_secs()))
        };
        let usual = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", "1060"),
        ];
        assert_eq!(said(&usual), Some((4999, 5000, 61)));
        assert_eq!(said(&usual[..2]), None);
        assert_eq!(
            said(&[&usual[..], &[("x-ratelimit-resource", "search")]].concat()),
            None
        );
        // A clock that is off by years.
        let far = [usual[0], usual[1], ("x-ratelimit-reset", "99999999999")];
        assert_eq!(said(&far), Some((4999, 5000, 3600)));
        assert_eq!(
            said(&[usual[0], usual[1], ("x-ratelimit-reset", "1")]),
            Some((4999, 5000, 1))
        );
        assert_eq!(said(&[usual[0], usual[1], ("x-ratelimit-reset", "soon")]), None);
    }

    proptest! {
        /// Whatever is asked for and however long the pauses are: no minute and no hour has more than is allowed, and
        /// what is not urgent leaves a tenth of it.
        #[test]
        fn no_minute_and_no_hour_has_more_writes_than_allowed(
            pauses in prop::collection::vec((0_u64..90, any::<bool>()), 1..400),
            per_minute in 1_u32..20,
        ) {
            let allowance = Allowance::per_minute(per_minute);
            let (mut known, mut now) = (Known::default(), Instant::now());
            let mut made: Vec<(Instant, bool)> = Vec::new();
            for (pause, verdict) in pauses {
                let urgency = if verdict { Urgency::Verdict } else { Urgency::Progress };
                now += Duration::from_secs(pause / 10);
                now += known.wait(Some(allowance), urgency, now).unwrap_or_default();
                prop_assert_eq!(known.wait(Some(allowance), urgency, now), None);
                known.forget(now);
                known.writes.push_back(now);
                made.push((now, verdict));
                for (span, allowed) in [(MINUTE, allowance.per_minute), (HOUR, allowance.per_hour)] {
                    let within = made.iter().filter(|(at, _)| now - *at < span).count();
                    let kept = if verdict { 0 } else { kept_for_verdicts(allowed) };
                    prop_assert!(within <= (allowed - kept).max(1) as usize, "{within} of {allowed} in {span:?}");
                }
            }
        }
    }
}
