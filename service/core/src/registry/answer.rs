//! What a receiver's answer tells of the version that it was asked to serve. Only a clear refusal, or the word that
//! what served before serves again, says that the version does not: whatever else is no success may have been done.

/// What came back of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No connection was made: not a byte was sent.
    NotConnected,
    /// The connection ended, or there was no whole answer in time.
    Broken,
    /// A status of HTTP that is no success.
    Status(u16),
    /// A success that does not say which version serves.
    Unreadable,
    /// It serves.
    This,
    /// The answer names another version as the one that serves.
    Another,
    /// Its number is another model's there.
    Taken,
    /// The status page does not name it, after all the time that loading may take.
    NotByStatus,
}

/// What came of asking for what served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It was not asked for yet.
    NotAsked,
    /// It serves, by the receiver's word.
    Serves,
    /// There is nothing that could be asked for.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// What is known then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The version serves.
    Serves,
    /// It does not, and will not.
    DoesNot,
    /// Nobody knows.
    Unknown,
    /// It is over: what served before is asked for, which tells more.
    AskForBefore,
}

impl Answer {
    /// What an answer tells; `again` of a request that was sent before and may have been heard, `before` what came of
    /// asking for what served before.
    pub fn tells(self, again: bool, before: Before) -> Told {
        match (self, before) {
            (Self::This, _) => Told::Serves,
            (Self::NotConnected, _) if !again => Told::DoesNot,
            // It may still be at work, or somebody between us and the receiver gave up.
            (Self::NotConnected | Self::Broken | Self::Status(408 | 502 | 504), _) => Told::Unknown,
            (_, Before::NotAsked) => Told::AskForBefore,
            (_, Before::Serves) => Told::DoesNot,
            // The second time it may say no because it did it the first time.
            (Self::Status(400..=499), _) if !again => Told::DoesNot,
            (Self::Taken | Self::NotByStatus, Before::Nothing) => Told::DoesNot,
            (_, Before::Nothing | Before::Unknown) => Told::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: [Answer; 15] = [
        Answer::NotConnected,
        Answer::Broken,
        Answer::Status(304),
        Answer::Status(400),
        Answer::Status(408),
        Answer::Status(409),
        Answer::Status(500),
        Answer::Status(502),
        Answer::Status(503),
        Answer::Status(504),
        Answer::Unreadable,
        Answer::This,
        Answer::Another,
        Answer::Taken,
        Answer::NotByStatus,
    ];
    const BEFORE: [Before; 4] = [Before::NotAsked, Before::Serves, Before::Nothing, Before::Unknown];

    #[test]
    fn every_answer() {
        let mut table = String::new();
        for again in [false, true] {
            table.push_str(&format!("{}\n", if again { "again" } else { "first" }));
            for answer in ANSWERS {
                let told = BEFORE.map(|before| format!("{:?}", answer.tells(again, before)));
                table.push_str(&format!("{:14} {}\n", format!("{answer:?}"), told.join(", ")));
            }
        }
        insta::assert_snapshot!(table, @"
        first
        NotConnected   DoesNot, DoesNot, DoesNot, DoesNot
        Broken         Unknown, Unknown, Unknown, Unknown
        Status(304)    AskForBefore, DoesNot, Unknown, Unknown
        Status(400)    AskForBefore, DoesNot, DoesNot, DoesNot
        Status(408)    Unknown, Unknown, Unknown, Unknown
        Status(409)    AskForBefore, DoesNot, DoesNot, DoesNot
        Status(500)    AskForBefore, DoesNot, Unknown, Unknown
        Status(502)    Unknown, Unknown, Unknown, Unknown
        Status(503)    AskForBefore, DoesNot, Unknown, Unknown
        Status(504)    Unknown, Unknown, Unknown, Unknown
        Unreadable     AskForBefore, DoesNot, Unknown, Unknown
        This           Serves, Serves, Serves, Serves
        Another        AskForBefore, DoesNot, Unknown, Unknown
        Taken          AskForBefore, DoesNot, DoesNot, Unknown
        NotByStatus    AskForBefore, DoesNot, DoesNot, Unknown
        again
        NotConnected   Unknown, Unknown, Unknown, Unknown
        Broken         Unknown, Unknown, Unknown, Unknown
        Status(304)    AskForBefore, DoesNot, Unknown, Unknown
        Status(400)    AskForBefore, DoesNot, Unknown, Unknown
        Status(408)    Unknown, Unknown, Unknown, Unknown
        Status(409)    AskForBefore, DoesNot, Unknown, Unknown
        Status(500)    AskForBefore, DoesNot, Unknown, Unknown
        Status(502)    Unknown, Unknown, Unknown, Unknown
        Status(503)    AskForBefore, DoesNot, Unknown, Unknown
        Status(504)    Unknown, Unknown, Unknown, Unknown
        Unreadable     AskForBefore, DoesNot, Unknown, Unknown
        This           Serves, Serves, Serves, Serves
        Another        AskForBefore, DoesNot, Unknown, Unknown
        Taken          AskForBefore, DoesNot, DoesNot, Unknown
        NotByStatus    AskForBefore, DoesNot, DoesNot, Unknown
        ");
    }

    #[test]
    fn it_is_never_withdrawn_without_proof() {
        for again in [false, true] {
            for answer in ANSWERS {
                let refused = matches!(answer, Answer::NotConnected | Answer::Status(400 | 409)) && !again;
                let looked = matches!(answer, Answer::Taken | Answer::NotByStatus);
                for before in BEFORE {
                    let proved = refused || before == Before::Serves || (looked && before == Before::Nothing);
                    let told = answer.tells(again, before);
                    assert!(told != Told::DoesNot || proved, "{answer:?} {again} {before:?}");
                    assert!(told != Told::AskForBefore || before == Before::NotAsked);
                }
            }
        }
    }
}
