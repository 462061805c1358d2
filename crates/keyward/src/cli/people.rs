//! `keyward user …`, `keyward account …` and `keyward session …`: their flags and their help.

use clap::{ArgGroup, Args, Subcommand};

use super::used::UsedFlags;

/// Commands about users. A user is named by its username, its id or your own reference for it.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make a user; without --password-file a password is made and shown once
    Add {
        /// What it signs in with: a-z, 0-9 and . _ - @ +
        username: String,
        /// Its roles, comma-separated, out of `roles` in the configuration [default: self]
        #[arg(long, value_name = "ROLES")]
        roles: Option<String>,
        /// The account that it belongs to, by name, id or your own reference
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        /// Your own reference for it
        #[arg(long, value_name = "TEXT")]
        external_id: Option<String>,
        /// Take the password from this file, or from stdin (-)
        #[arg(long, value_name = "FILE")]
        password_file: Option<String>,
        /// Make a user that cannot sign in, only own keys
        #[arg(long, conflicts_with = "password_file")]
        no_password: bool,
        /// Make a link instead by which the user sets its password itself, once and within three days
        #[arg(long, conflicts_with_all = ["password_file", "no_password"])]
        invite: bool,
    },
    /// List users, newest first
    List {
        #[command(flatten)]
        which: WhichUsers,
        /// How many at most; 0 = all
        #[arg(long, default_value_t = 0)]
        limit: u32,
        /// Go on where a listing with --limit ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one user
    Show {
        /// The user
        who: String,
    },
    /// Give a user another password: its sessions end, its keys go on
    Passwd {
        /// The user
        who: String,
        /// Take the password from this file, or from stdin (-) [default: one is made and shown once]
        #[arg(long, value_name = "FILE")]
        password_file: Option<String>,
    },
    /// Pause a user: its keys are refused and its sessions end
    Disable {
        /// The user
        who: String,
    },
    /// End a user's pause: its keys count again
    Enable {
        /// The user
        who: String,
    },
    /// What a user is signed in by: its sessions that count, the last begun first
    Sessions {
        /// The user
        who: String,
    },
    /// End all sessions of a user, or one; its keys, and what clients hold by them, go on
    SignOut {
        /// The user
        #[arg(required_unless_present = "session")]
        who: Option<String>,
        /// This session alone (ses_…)
        #[arg(long, value_name = "ID", conflicts_with = "who")]
        session: Option<String>,
    },
    /// Make a link by which a user sets its password, once and within three days; the one before ends
    Invite {
        /// The user
        who: String,
    },
    /// What a user shows beside its password
    #[command(subcommand)]
    SecondFactor(SecondFactor),
    /// Put a user into another account, or give it another reference of yours
    #[command(group = ArgGroup::new("what").required(true))]
    Set {
        /// The user
        who: String,
        /// The account that it belongs to, by name, id or your own reference; its keys go along, but for those of yet another
        #[arg(long, value_name = "ACCOUNT", group = "what")]
        account: Option<String>,
        /// It belongs to no account
        #[arg(long, group = "what")]
        no_account: bool,
        /// Your own reference for it
        #[arg(long, value_name = "TEXT", group = "what")]
        external_id: Option<String>,
        /// You have no reference for it
        #[arg(long, group = "what")]
        no_external_id: bool,
    },
    /// Give a user other roles, in place of those it has
    Roles {
        /// The user
        who: String,
        /// All of its roles from now on, comma-separated; '' for none
        roles: String,
    },
}

/// Commands about second factors of users.
#[derive(Debug, Subcommand)]
pub enum SecondFactor {
    /// Remove it, with its recovery codes: for a user who lost both. Its sessions go on
    Remove {
        /// The user
        who: String,
    },
}

/// Commands about accounts. An account is named by its name, its id or your own reference for it.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make an account
    Add {
        /// What people call it
        name: String,
        /// Your own reference for it
        #[arg(long, value_name = "TEXT")]
        external_id: Option<String>,
        /// Where its keys and tokens may be used from: addresses and CIDRs, comma-separated [default: anywhere]
        #[arg(long, value_name = "LIST")]
        ip: Option<String>,
        /// Its plan, out of `plans` in the configuration [default: accounts.default_plan]
        #[arg(long, value_name = "PLAN")]
        plan: Option<String>,
        /// Limits of its own in place of its plan's, comma-separated, such as 500/1m,20000/1h [default: those of its plan]
        #[arg(long, value_name = "LIMITS")]
        limits: Option<String>,
        /// How many uses its keys and users have together: 1000 in all, or 1000/30d in each 30 days [default: without bound]
        #[arg(long, value_name = "AMOUNT")]
        budget: Option<String>,
    },
    /// Give an account another reference of yours
    #[command(group = ArgGroup::new("what").required(true))]
    Set {
        /// The account
        which: String,
        /// Your own reference for it
        #[arg(long, value_name = "TEXT", group = "what")]
        external_id: Option<String>,
        /// You have no reference for it
        #[arg(long, group = "what")]
        no_external_id: bool,
    },
    /// Make a link to the customer portal: good once, within ten minutes
    PortalLink {
        /// The account
        which: String,
    },
    /// Show one account
    Show {
        /// The account
        which: String,
    },
    /// Show what is left of an account's limits; or give it limits of its own, in place of those of its plan
    Limits {
        /// The account
        which: String,
        /// All of them from now on, comma-separated, such as 500/1m,20000/1h; or the word plan [default: nothing changes]
        list: Option<String>,
    },
    /// Show what an account used, over all of its keys and users
    Usage {
        /// The account
        which: String,
        #[command(flatten)]
        flags: UsedFlags,
    },
    /// Change what an account may use over all of its keys and users; what was used stays used
    Budget {
        /// The account
        which: String,
        /// +500 grants more, =500 leaves so much from now on, =1000/30d grants so much in each 30 days, none takes the bound away
        change: String,
    },
    /// Give an account another plan, in place of the one it has; it counts from the next request on
    Plan {
        /// The account
        which: String,
        /// The plan, out of `plans` in the configuration
        #[arg(required_unless_present = "default")]
        plan: Option<String>,
        /// The plan of whoever has none: accounts.default_plan
        #[arg(long, conflicts_with = "plan")]
        default: bool,
    },
    /// Let an account's keys and tokens be used from other addresses, in place of those it has
    Ip {
        /// The account
        which: String,
        /// All of them from now on, addresses and CIDRs, comma-separated; or the word anywhere
        list: String,
    },
    /// List accounts, newest first
    List {
        #[command(flatten)]
        which: WhichAccounts,
        /// How many at most; 0 = all
        #[arg(long, default_value_t = 0)]
        limit: u32,
        /// Go on where a listing with --limit ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Pause an account: its keys and users are refused and its sessions end
    Disable {
        /// The account
        which: String,
    },
    /// End an account's pause
    Enable {
        /// The account
        which: String,
    },
}

/// Users to list.
#[derive(Debug, Args)]
pub struct WhichUsers {
    /// Only those with this text in their name, id or external id
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those of this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only those that are active or disabled, they or their account
    #[arg(long)]
    pub status: Option<String>,
    /// Only those with this role
    #[arg(long)]
    pub role: Option<String>,
}

/// Accounts to list.
#[derive(Debug, Args)]
pub struct WhichAccounts {
    /// Only those with this text in their name, id or external id
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only the one with this reference of yours
    #[arg(long, value_name = "TEXT")]
    pub external_id: Option<String>,
    /// Only those that were given this plan
    #[arg(long)]
    pub plan: Option<String>,
    /// Only those that are active or disabled
    #[arg(long)]
    pub status: Option<String>,
}

/// Commands about sessions.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List sessions, by cookie and by tokens, in the order of their ids
    List {
        /// Only those by cookie or by tokens
        #[arg(long)]
        by: Option<String>,
        /// Only those of this user that count
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// How many at most; 0 = all
        #[arg(long, default_value_t = 0)]
        limit: u32,
        /// Go on where a listing with --limit ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
}
