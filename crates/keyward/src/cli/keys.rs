//! `keyward key …`: its flags and their help.

use clap::{ArgGroup, Args, Subcommand};

use super::used::UsedFlags;

/// Commands about keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key: on a terminal a card, piped the key alone on stdout
    Create(CreateKey),
    /// List keys, newest first
    List {
        #[command(flatten)]
        which: WhichKeys,
        /// How many at most; 0 = all
        #[arg(long, default_value_t = 0)]
        limit: u32,
        /// Go on where a listing with --limit ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one key
    Show {
        /// The key's id, such as key_4f…
        id: String,
    },
    /// Show what a key was used for, and from where it came last
    Usage {
        /// The key's id
        id: String,
        #[command(flatten)]
        flags: UsedFlags,
    },
    /// Show what is left of a key's limits, its plan's and its budgets
    Limits {
        /// The key's id
        id: String,
    },
    /// Make a successor; the old key goes on for the overlap
    Rotate {
        /// The key's id
        id: String,
        /// How long the old key goes on at most, such as 24h, 30m or 0 [default: 24h; with --until-quiet 30d]
        #[arg(long, value_name = "SPAN")]
        overlap: Option<String>,
        /// End the old key earlier, once nobody used it for so long, such as 24h; `key show` tells who still does
        #[arg(long, value_name = "SPAN")]
        until_quiet: Option<String>,
    },
    /// Give a key another name, or keep something else beside it
    #[command(group = ArgGroup::new("what").required(true))]
    Set {
        /// The key's id
        id: String,
        /// What people call it
        #[arg(long, group = "what")]
        name: Option<String>,
        /// All that is kept beside it from now on; may be repeated
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair, group = "what")]
        metadata: Vec<(String, String)>,
        /// Keep nothing beside it
        #[arg(long, group = "what")]
        no_metadata: bool,
    },
    /// Change what a key and its successors may use together; what was used stays used
    Budget {
        /// The key's id
        id: String,
        /// +500 grants more, =500 leaves so much from now on, =1000/30d grants so much in each 30 days, none takes the bound away
        change: String,
    },
    /// Pause a key; `enable` ends the pause
    Disable {
        /// The key's id
        id: String,
    },
    /// End a pause
    Enable {
        /// The key's id
        id: String,
    },
    /// End a key for ever
    Revoke {
        /// The key's id
        id: String,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Keys to list.
#[derive(Debug, Args)]
pub struct WhichKeys {
    /// Only those with this text in their name, id, prefix or external id, or in their owner's name, id or external id
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those that are active, expired, disabled or revoked
    #[arg(long)]
    pub status: Option<String>,
    /// Only live or only test keys
    #[arg(long)]
    pub mode: Option<String>,
    /// Only those that could be used and were not for so long, such as 90d, or since a time
    #[arg(long, value_name = "SPAN")]
    pub unused: Option<String>,
    /// Only those that could be used and were made so long ago, such as 1y, or before a time
    #[arg(long, value_name = "SPAN")]
    pub older: Option<String>,
    /// Only those of this user
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// Only those of this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// By what: created, name, lastUsed or expires [default: created]
    #[arg(long)]
    pub sort: Option<String>,
    /// asc or desc [default: newest first, names from A, last used first, the first to end first]
    #[arg(long)]
    pub order: Option<String>,
}

/// A key to make.
#[derive(Debug, Args)]
pub struct CreateKey {
    /// What people call it
    pub name: String,
    /// The user that owns it
    #[arg(long, value_name = "USER", default_value = "admin")]
    pub owner: String,
    /// The account that owns it [default: its owner's]
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Its scopes, comma-separated; '' for none [default: its owner's, less self: and keyward:]
    #[arg(long, value_name = "SCOPES")]
    pub scopes: Option<String>,
    /// When it ends: a span such as 90d, or a time such as 2030-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// live or test
    #[arg(long, default_value = "live")]
    pub mode: String,
    /// Where it may be used from: addresses and CIDRs, comma-separated [default: anywhere]
    #[arg(long, value_name = "LIST")]
    pub ip: Option<String>,
    /// Make a secret along with it: the pair gets tokens at POST token, and the key alone opens nothing
    #[arg(long)]
    pub pair: bool,
    /// How many uses it and its successors have together: 1000 in all, or 1000/30d in each 30 days [default: without bound]
    #[arg(long, value_name = "AMOUNT")]
    pub budget: Option<String>,
    /// Your own reference for it
    #[arg(long, value_name = "TEXT")]
    pub external_id: Option<String>,
    /// A name and a value of your own, kept beside it and shown to operators alone; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub metadata: Vec<(String, String)>,
}

/// A name and a value, parted by the first `=`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
