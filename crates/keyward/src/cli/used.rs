//! What was used: the flags that several commands share, and those of `keyward usage`.

use clap::Args;

/// From when to when, and how fine.
#[derive(Debug, Args)]
pub struct UsedFlags {
    /// Not before: a span back from now such as 30d, or a time [default: 7d]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after: a span back from now, or a time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// hour or day [default: hours up to a week, days beyond it]
    #[arg(long)]
    pub step: Option<String>,
}

/// Which usage to list.
#[derive(Debug, Args)]
pub struct Usage {
    /// Of this user, by id, or of the static key of this name
    #[arg(long, value_name = "ID")]
    pub principal: Option<String>,
    /// With this key or session
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// On this route
    #[arg(long)]
    pub route: Option<String>,
    /// With this outcome: allowed, NoCredential, Rejected, Forbidden, …
    #[arg(long)]
    pub outcome: Option<String>,
    /// Not before: a span back from now such as 7d, or a time [default: 1d]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after: a span back from now, or a time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// How many rows at most; 0 = all
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
    /// Go on where a listing ended: its nextCursor
    #[arg(long)]
    pub cursor: Option<String>,
}
