//! Named points at which a test kills the service: `TRAINYARD_CRASH_AT=NAME[:NTH]`. A release knows none.
//!
//! Whatever changes something, here or outside, goes through [`passing`], which has a point before it and one after
//! it: `core/tests/it/house/effects.rs` reads the sources and refuses an effect that does not.

#[cfg(debug_assertions)]
mod armed;

#[cfg(debug_assertions)]
pub(crate) use armed::{passing, reach};
#[cfg(debug_assertions)]
pub use armed::{reached, trap, trap_where};

use trainyard_core::registry::IntentAction;
use trainyard_core::report::MessageKind;
use trainyard_core::run::RunEvent;

/// A moment at which everything may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// It is about to be done.
    Before(Effect),
    /// It is done.
    After(Effect),
    /// The target has it: its folder is there, or the receiver has answered.
    Sent(IntentAction),
    /// The target was found to serve it.
    ReadBack(IntentAction),
}

macro_rules! effects {
    ($($(#[$doc:meta])* $effect:ident = $name:literal,)*) => {
        /// What changes something.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Effect {
            /// An event of a run is stored, of this kind, with all that follows from it.
            Event(&'static str),
            /// GitHub is told.
            Tell(MessageKind),
            /// What is about to be done to a target is stored, with its number.
            Intent(IntentAction),
            /// The ledger gets its entry.
            Record(IntentAction),
            $($(#[$doc])* $effect,)*
        }

        impl Effect {
            const PLAIN: &[Self] = &[$(Self::$effect),*];

            /// As its two points begin.
            pub fn name(self) -> String {
                match self {
                    Self::Event(kind) => format!("run.{kind}"),
                    Self::Tell(kind) => format!("tell.{}", kind.as_str()),
                    Self::Intent(action) => format!("{}.intent", action.as_str()),
                    Self::Record(action) => format!("{}.record", action.as_str()),
                    $(Self::$effect => $name.to_owned(),)*
                }
            }
        }
    };
}

effects! {
    /// A delivery is stored, before it is acknowledged.
    StoreDelivery = "delivery.store",
    /// What a delivery means is stored, with its runs, waits and messages.
    SettleDelivery = "delivery.settle",
    /// Commits show that they are awaited, before deliveries are looked at.
    PutAwaited = "delivery.put_awaited",
    /// A person has a delivery looked at anew.
    ReplayDelivery = "delivery.replay",
    /// GitHub is asked to deliver a webhook again.
    AskRedelivery = "delivery.ask_again",
    /// What a repository had before anything was missed is noted.
    NoteSweep = "delivery.note_sweep",
    /// A branch that was deleted is forgotten, and the end of its runs asked for.
    ForgetBranch = "branch.forget",
    /// Why a delivery waits is noted.
    NoteDelivery = "delivery.note",
    /// A delivery that nobody can read is given up.
    GiveUpDelivery = "delivery.give_up",
    /// It is written that somebody is about to do something.
    BeginDeed = "audit.begin",
    /// It is written what came of it.
    EndDeed = "audit.end",
    /// A token is kept.
    AddToken = "token.add",
    /// A token is made worthless.
    RevokeToken = "token.revoke",
    /// It is noted that a token was used.
    UseToken = "token.use",
    /// A session begins.
    BeginSession = "session.begin",
    /// It is noted that a session was used.
    UseSession = "session.use",
    /// A session ends.
    EndSession = "session.end",
    /// What a run waits for is noted.
    NoteRun = "run.note",
    /// A repository goes by a name, with all that is kept of it.
    NameRepository = "repository.name",
    /// It is noted that runs waited for a person for another while.
    NoteWaited = "approval.waited",
    /// The pipelines of a default branch are replaced.
    PutPipelines = "pipelines.put",
    /// Their schedules are.
    PutSchedules = "schedules.put",
    /// What a person asked for is stored, with its run.
    RecordEvent = "event.record",
    /// What a person asked for on GitHub is brought forward, with its runs and its answer.
    StepAsk = "ask.step",
    /// Why it waits is noted.
    NoteAsk = "ask.note",
    /// A slot of a schedule is taken, with its run.
    TakeSlot = "slot.take",
    /// A quiet period ends, with its run.
    ReleaseHold = "hold.release",
    /// A worker takes a run.
    TakeLease = "lease.take",
    /// It says that it still has it.
    RenewLease = "lease.renew",
    /// It gives the run back.
    ReleaseLease = "lease.release",
    /// It is counted that the service died in the middle of a run.
    CountCrash = "crash.count",
    /// What a cache key was made of is stored.
    PutPreimage = "preimage.put",
    /// A commit is brought into a mirror.
    Fetch = "source.fetch",
    /// A commit is written out for a run.
    CheckOut = "source.check_out",
    /// An image is found, or pulled.
    ResolveImage = "image.resolve",
    /// An image is built, or found to be.
    BuildImage = "image.build",
    /// A step's program is started, or found again.
    StartProgram = "program.start",
    /// It is stopped.
    StopProgram = "program.stop",
    /// All of it but its log is removed.
    RemoveProgram = "program.remove",
    /// A throw-away model server is started.
    StartTrial = "trial.start",
    /// It sees the candidate.
    ShowTrial = "trial.show",
    /// It is stopped.
    StopTrial = "trial.stop",
    /// All of it but its log is removed.
    RemoveTrial = "trial.remove",
    /// The outputs of a step are made unchangeable, and their digests written down.
    SealOutputs = "outputs.seal",
    /// Content gets its place by a rename.
    PublishContent = "content.publish",
    /// Content leaves its place.
    DiscardContent = "content.discard",
    /// ML Metadata learns that content goes, is gone, or stays.
    MarkContent = "content.mark",
    /// The records of old runs go.
    ForgetRuns = "runs.forget",
    /// Old deliveries, events and messages go.
    ForgetInbound = "inbound.forget",
    /// The folders of a run that is over go.
    RemoveFolders = "folders.remove",
    /// It is noted beside the database that a version will be ours.
    NoteAttempt = "version.note",
    /// A version's folder is written and gets its name.
    WriteVersion = "version.write",
    /// A version's folder is moved out of the server's sight.
    HideVersion = "version.hide",
    /// It comes back.
    ShowVersion = "version.show",
    /// A model server is asked to load what is in its folder.
    LoadModel = "model.load",
    /// A model server is asked to forget a model.
    UnloadModel = "model.unload",
    /// A receiver is asked to make a version serve.
    CallReceiver = "receiver.call",
    /// What was begun at a target is withdrawn, or said to be unknown.
    SettleIntent = "intent.settle",
    /// The ledger gets an entry for what serves, by a person's word.
    CorrectLedger = "ledger.correct",
    /// What was found at a target is noted.
    PutFinding = "finding.put",
    /// A target is frozen or released.
    HoldTarget = "target.hold",
    /// A version gets a name, or loses it.
    PutAlias = "alias.put",
    /// ML Metadata learns of something that changed nothing else.
    RecordMetadata = "metadata.record",
    /// It is stored that a check run is about to be made, or none.
    BeginCheck = "check.begin",
    /// What GitHub shows as a check run is stored.
    NoteCheck = "check.note",
    /// Check runs that grow old are told anew.
    RenewChecks = "check.renew",
    /// What happened becomes messages to those who hear of it.
    RouteNews = "news.route",
    /// News that no run and no ledger tell are stored.
    PutNews = "news.put",
    /// A message that was told is crossed off.
    ClearOutbox = "outbox.clear",
    /// A message that was not told waits.
    DelayOutbox = "outbox.delay",
}

impl IntoIterator for Effect {
    type Item = Self;
    type IntoIter = std::iter::Once<Self>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self)
    }
}

impl Effect {
    /// The event that others than the run's worker store, beside a person's word.
    pub const ASK_CANCEL: Self = Self::Event("cancel_requested");

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let events = RunEvent::KINDS.iter().map(|kind| Self::Event(kind));
        let told = MessageKind::ALL.map(Self::Tell);
        let actions = IntentAction::ALL.into_iter();
        let served = actions.flat_map(|action| [Self::Intent(action), Self::Record(action)]);
        let plain = Self::PLAIN.iter().copied();
        events.chain(told).chain(served).chain(plain)
    }
}

impl CrashPoint {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let effects = Effect::all().flat_map(|effect| [Self::Before(effect), Self::After(effect)]);
        let moments = IntentAction::ALL
            .into_iter()
            .flat_map(|action| [Self::Sent(action), Self::ReadBack(action)]);
        effects.chain(moments)
    }

    /// Those that every push, promotion and rollback passes, in order, whatever its target is.
    pub fn of(action: IntentAction) -> [Self; 6] {
        let (intent, record) = (Effect::Intent(action), Effect::Record(action));
        [
            Self::Before(intent),
            Self::After(intent),
            Self::Sent(action),
            Self::ReadBack(action),
            Self::Before(record),
            Self::After(record),
        ]
    }

    /// As `TRAINYARD_CRASH_AT` names it.
    pub fn name(self) -> String {
        match self {
            Self::Before(effect) => format!("{}.before", effect.name()),
            Self::After(effect) => format!("{}.after", effect.name()),
            Self::Sent(action) => format!("{}.sent", action.as_str()),
            Self::ReadBack(action) => format!("{}.read_back", action.as_str()),
        }
    }
}

/// The service is at a point.
#[cfg(not(debug_assertions))]
pub(crate) async fn reach(_: CrashPoint) {}

/// Does what has these effects.
#[cfg(not(debug_assertions))]
pub(crate) fn passing<W: Future>(_: impl IntoIterator<Item = Effect>, work: W) -> W {
    work
}
