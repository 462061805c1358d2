//! Audit events as values: who did what to what. They are written in the transaction of the change that they tell of.

use std::net::IpAddr;

use keyward_core::decision::DecisionId;
use keyward_core::time::Timestamp;

/// Something that happened to a credential, a user, a setting, or at a door where one signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who: `operator` (whoever may use the data directory), `system`, `stranger`, or the id of a user or key.
    pub actor: Box<str>,
    /// What.
    pub action: Action,
    /// To what: the id of a key, user, account or session; words where there is none, such as `unknown user`.
    pub subject: Box<str>,
    /// From where, when it came through a door.
    pub client: Option<IpAddr>,
    /// The decision that let it in, when it came through a door.
    pub decision: Option<DecisionId>,
    /// More, as names and values. No secret ever stands here.
    pub detail: Vec<Detail>,
}

/// One name and value of an event's detail.
pub type Detail = (&'static str, Box<str>);

/// What can happen. The words are the contract of `audit list`; add to them, never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A key was made.
    KeyCreated,
    /// A key got another name.
    KeyRenamed,
    /// What operators keep beside a key was changed.
    KeyMetadata,
    /// A key was paused.
    KeyDisabled,
    /// A key's pause ended.
    KeyEnabled,
    /// A key was ended for ever.
    KeyRevoked,
    /// A key was replaced by another.
    KeyRotated,
    /// A key of another program was taken in.
    KeyImported,
    /// A key that another verifier accepted was taken in.
    KeyAdopted,
    /// A key that only another's hash was known of was shown, and is kept as our own are from then on.
    KeyProven,
    /// What another program mixed into its hashes was kept, sealed.
    PepperKept,
    /// The overlap of a key that was replaced ended, because nobody used it any more.
    KeyOverlapEnded,
    /// A user was made.
    UserCreated,
    /// A user was paused.
    UserDisabled,
    /// A user's pause ended.
    UserEnabled,
    /// A user got another password.
    PasswordChanged,
    /// A password that was hashed by another program was hashed by our own at a sign-in.
    PasswordRenewed,
    /// A user was shown the secret of an authenticator, which does not count yet.
    SecondFactorBegun,
    /// A second factor of a user counts.
    SecondFactorEnrolled,
    /// A user has no second factor any more.
    SecondFactorRemoved,
    /// A user got other recovery codes.
    RecoveryCodesMade,
    /// A link by which a user sets its password was made.
    UserInvited,
    /// A user set its password by such a link.
    InvitationAccepted,
    /// A link to the customer portal was made for an account.
    PortalLinkMade,
    /// A user got other roles.
    RolesChanged,
    /// A user came to another account, or to none, with its keys.
    UserMoved,
    /// A user got another reference of an operator's.
    UserReference,
    /// An account was made.
    AccountCreated,
    /// An account was paused.
    AccountDisabled,
    /// An account's pause ended.
    AccountEnabled,
    /// Where an account may be used from was changed.
    AccountAddresses,
    /// An account got another plan.
    AccountPlan,
    /// An account got other limits of its own.
    AccountLimits,
    /// An account got another budget.
    AccountBudget,
    /// An account got another reference of an operator's.
    AccountReference,
    /// A key and its line got another budget.
    KeyBudget,
    /// Somebody signed in.
    SignedIn,
    /// A client showed its key and secret and was given tokens.
    ClientSignedIn,
    /// A client ended a token and its family, or a user did.
    TokenRevoked,
    /// Somebody tried to sign in and failed.
    SignInFailed,
    /// Somebody showed a refresh token that carries no session on.
    RefreshFailed,
    /// Somebody signed out.
    SignedOut,
    /// All sessions of a user were ended at once.
    SignedOutEverywhere,
    /// A session was ended by an operator.
    SessionEnded,
    /// A refresh token was shown a second time, and its family ended.
    FamilyKilled,
    /// A signing key was made.
    SigningKeyCreated,
    /// What a signing key signed counts no more.
    SigningKeyRetired,
    /// The running server took over another configuration.
    ConfigChanged,
    /// A changed configuration was refused.
    ConfigRefused,
    /// The store was copied into a backup.
    BackupMade,
    /// Records that are older than they are kept for were let go.
    AuditPruned,
    /// The store was put back from a backup.
    StoreRestored,
    /// An older database, or another one, was found in the store's place.
    StoreRewound,
}

impl Action {
    /// The word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyRenamed => "key.renamed",
            Self::KeyMetadata => "key.metadata_changed",
            Self::KeyDisabled => "key.disabled",
            Self::KeyEnabled => "key.enabled",
            Self::KeyRevoked => "key.revoked",
            Self::KeyRotated => "key.rotated",
            Self::KeyImported => "key.imported",
            Self::KeyAdopted => "key.adopted",
            Self::KeyProven => "key.proven",
            Self::PepperKept => "pepper.kept",
            Self::KeyOverlapEnded => "key.overlap_ended",
            Self::UserCreated => "user.created",
            Self::UserDisabled => "user.disabled",
            Self::UserEnabled => "user.enabled",
            Self::PasswordChanged => "user.password_changed",
            Self::PasswordRenewed => "user.password_renewed",
            Self::SecondFactorBegun => "user.second_factor_begun",
            Self::SecondFactorEnrolled => "user.second_factor_enrolled",
            Self::SecondFactorRemoved => "user.second_factor_removed",
            Self::RecoveryCodesMade => "user.recovery_codes_made",
            Self::UserInvited => "user.invited",
            Self::InvitationAccepted => "user.invitation_accepted",
            Self::PortalLinkMade => "portal.link_made",
            Self::RolesChanged => "user.roles_changed",
            Self::UserMoved => "user.account_changed",
            Self::UserReference => "user.external_id_changed",
            Self::AccountCreated => "account.created",
            Self::AccountDisabled => "account.disabled",
            Self::AccountEnabled => "account.enabled",
            Self::AccountAddresses => "account.addresses_changed",
            Self::AccountPlan => "account.plan_changed",
            Self::AccountLimits => "account.limits_changed",
            Self::AccountBudget => "account.budget_changed",
            Self::AccountReference => "account.external_id_changed",
            Self::KeyBudget => "key.budget_changed",
            Self::SignedIn => "session.signed_in",
            Self::ClientSignedIn => "session.client_signed_in",
            Self::TokenRevoked => "session.token_revoked",
            Self::SignInFailed => "session.sign_in_failed",
            Self::RefreshFailed => "session.refresh_failed",
            Self::SignedOut => "session.signed_out",
            Self::SignedOutEverywhere => "session.signed_out_everywhere",
            Self::SessionEnded => "session.ended",
            Self::FamilyKilled => "session.family_killed",
            Self::SigningKeyCreated => "signing_key.created",
            Self::SigningKeyRetired => "signing_key.retired",
            Self::ConfigChanged => "config.changed",
            Self::ConfigRefused => "config.refused",
            Self::BackupMade => "backup.made",
            Self::AuditPruned => "audit.pruned",
            Self::StoreRestored => "store.restored",
            Self::StoreRewound => "store.rewound",
        }
    }
}
