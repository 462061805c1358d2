//! `keyward audit …`, `decisions …` and `explain`: their flags and their help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Commands about the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what happened, newest first
    List {
        #[command(flatten)]
        which: WhichRecords,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Go on where a listing ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Check that nothing was changed, removed, put in or moved
    Verify {
        /// Also compare with the head of an earlier export: a file, or - for stdin
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
    /// Print every record with its seal as a JSON object a line, and the head last; or some, for other programs
    Export {
        /// The head alone: keep it elsewhere, for `audit verify --head`
        #[arg(long, conflicts_with = "format")]
        head: bool,
        /// What is printed
        #[arg(long, value_enum, default_value_t = AuditFormat::Sealed)]
        format: AuditFormat,
        #[command(flatten)]
        which: WhichRecords,
    },
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// Every record with its seal as a JSON object a line, in order, and the head last
    Sealed,
    /// Those that fit as a JSON object a line, newest first
    Ndjson,
    /// Those that fit as a table for spreadsheets, newest first
    Csv,
}

/// Records of the audit log.
#[derive(Debug, Args)]
pub struct WhichRecords {
    /// By this actor: operator, or the id of a user or key
    #[arg(long)]
    pub actor: Option<String>,
    /// This action, such as key.created
    #[arg(long)]
    pub action: Option<String>,
    /// To this key, user or account
    #[arg(long)]
    pub subject: Option<String>,
    /// Not before: a span back from now such as 7d, or a time
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after: a span back from now, or a time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Commands on decisions.
#[derive(Debug, Subcommand)]
pub enum Decisions {
    /// List decisions, newest first; those above a rate are counted together
    List {
        #[command(flatten)]
        flags: DecisionFlags,
        /// Not before: a span back from now such as 1h, or a time
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Not after: a span back from now, or a time
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// How many at most; 0 lists all
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Go on where a listing ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show the last decisions, and each one as it comes, until you end it
    Tail {
        #[command(flatten)]
        flags: DecisionFlags,
    },
}

/// Which decisions.
#[derive(Debug, Args)]
pub struct DecisionFlags {
    /// With this outcome: allowed, NoCredential, Rejected, Forbidden, …
    #[arg(long)]
    pub outcome: Option<String>,
    /// On this route
    #[arg(long)]
    pub route: Option<String>,
    /// Of this user, by id, or of the static key of this name
    #[arg(long, value_name = "ID")]
    pub principal: Option<String>,
    /// With this key or session
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// From this address
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
}

/// A decision or a request to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id of a decision that was made, as in the header Keyward-Decision
    #[arg(value_name = "DECISION_ID", conflicts_with_all = ["method", "path", "key_id", "header", "from"])]
    pub decision: Option<String>,
    /// The method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// Path and query
    #[arg(long, required_unless_present = "decision")]
    pub path: Option<String>,
    /// As if it carried the key of this id
    #[arg(long, value_name = "ID", conflicts_with = "header")]
    pub key_id: Option<String>,
    /// Headers as `Name: value`, one a line: @- reads them from stdin, @FILE from a file
    #[arg(long, value_name = "@-")]
    pub header: Vec<String>,
    /// The address it would come from
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
}
