//! What people and programs do here, for the record and for who may.

use super::Role;
use std::fmt;

macro_rules! deeds {
    ($($(#[$doc:meta])* $deed:ident = $word:literal, $needs:ident;)*) => {
        /// What is done by somebody.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Deed {
            $($(#[$doc])* $deed,)*
        }

        impl Deed {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$deed),*];

            /// Its word in the record.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$deed => $word,)*
                }
            }

            /// Who may.
            pub fn needs(self) -> Role {
                match self {
                    $(Self::$deed => Role::$needs,)*
                }
            }
        }
    };
}

deeds! {
    /// A session begins.
    SignIn = "sign_in", Viewer;
    /// A session is ended, by who has it or by an admin.
    EndSession = "end_session", Viewer;
    /// A run is started by hand; so is each of a backfill.
    StartRun = "start_run", Operator;
    /// A run is asked to end.
    CancelRun = "cancel_run", Operator;
    /// A run is repeated.
    RerunRun = "rerun_run", Operator;
    /// A delivery is looked at anew.
    ReplayDelivery = "replay_delivery", Operator;
    /// A run that waits is let go on.
    Approve = "approve", Approver;
    /// A run that waits is ended.
    Reject = "reject", Approver;
    /// A model is made to serve, be it against the gate's word.
    Promote = "promote", Approver;
    /// The version before serves again.
    RollBack = "roll_back", Approver;
    /// A target is frozen.
    HoldTarget = "hold_target", Approver;
    /// It is released.
    ReleaseTarget = "release_target", Approver;
    /// A version gets a name.
    SetAlias = "set_alias", Approver;
    /// A name is taken away.
    RemoveAlias = "remove_alias", Approver;
    /// Somebody decides between a target and its ledger.
    ReconcileTarget = "reconcile_target", Admin;
    /// A token is made.
    CreateToken = "create_token", Admin;
    /// A token is made worthless.
    RevokeToken = "revoke_token", Admin;
    /// Somebody asks by a comment or a button at GitHub, whose permission decides.
    AskAtGitHub = "ask_at_github", Operator;
}

impl Deed {
    /// The deed of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|deed| deed.as_str() == word)
    }
}

/// As people say it: `roll back`.
impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AskAtGitHub => f.write_str("ask at GitHub"),
            Self::RerunRun => f.write_str("rerun a run"),
            Self::StartRun => f.write_str("start a run"),
            Self::CancelRun => f.write_str("cancel a run"),
            Self::ReplayDelivery => f.write_str("replay a delivery"),
            Self::HoldTarget => f.write_str("hold a target"),
            Self::ReleaseTarget => f.write_str("release a target"),
            Self::SetAlias => f.write_str("set an alias"),
            Self::RemoveAlias => f.write_str("remove an alias"),
            Self::ReconcileTarget => f.write_str("reconcile a target"),
            Self::CreateToken => f.write_str("create a token"),
            Self::RevokeToken => f.write_str("revoke a token"),
            Self::SignIn => f.write_str("sign in"),
            Self::EndSession => f.write_str("end a session"),
            Self::RollBack => f.write_str("roll back"),
            Self::Approve | Self::Reject | Self::Promote => f.write_str(self.as_str()),
        }
    }
}
