//! The command line: flags and their help. What is not in this version is not here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Authentication in front of any HTTP API, in one binary.
///
/// Start with `keyward serve`: it listens on 127.0.0.1:8080 with a demo API behind it, and says what to try.
#[derive(Debug, Parser)]
#[command(name = "keyward", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Where Keyward keeps its data [default: ./keyward-data] [env: KEYWARD_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [env: KEYWARD_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put Keyward before an API and run until stopped
    Serve(Serve),
    /// Make an empty data directory without serving from it
    Init,
    /// Check, show or describe the configuration
    #[command(subcommand)]
    Config(Config),
    /// Make and manage API keys
    #[command(subcommand)]
    Key(Key),
    /// Make and manage users
    #[command(subcommand)]
    User(User),
    /// Make and manage accounts, the owners of users and keys
    #[command(subcommand)]
    Account(Account),
    /// List, verify and export the record of what happened
    #[command(subcommand)]
    Audit(Audit),
    /// Explain what would become of a request, and why
    Explain(Explain),
    /// Write everything that is kept into one file, also while a server runs
    Backup {
        /// The file to make; it holds secrets, and what is there already is not overwritten
        file: PathBuf,
    },
    /// Put back what a backup holds; what is there now is kept aside
    Restore {
        /// A file that `keyward backup` made
        file: PathBuf,
    },
    /// Print accounts, users, keys and sessions as a JSON object a line, without secrets
    Export {
        /// Only these
        #[arg(long, value_enum)]
        kind: Option<Exported>,
    },
}

/// Kinds of records that `export` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// Owners of users and keys
    Account,
    /// Who may sign in and own keys
    User,
    /// API keys, without the keys themselves
    Key,
    /// Who signed in, and when
    Session,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The address to listen on [default: 127.0.0.1] [env: KEYWARD_HOST]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// The port to listen on; 0 picks a free one [default: 8080] [env: KEYWARD_PORT]
    #[arg(long)]
    pub port: Option<String>,
    /// The API to protect, such as http://127.0.0.1:3000 [default: a built-in demo] [env: KEYWARD_UPSTREAM]
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Let paths through without a credential, such as '/docs/**'; may be repeated [env: KEYWARD_PUBLIC, comma-separated]
    #[arg(long, value_name = "PATTERN")]
    pub public: Vec<String>,
    /// The address of the control plane [default: 127.0.0.1] [env: KEYWARD_ADMIN_HOST]
    #[arg(long, value_name = "ADDRESS")]
    pub admin_host: Option<String>,
    /// The port of the control plane; 0 picks a free one [default: 9470] [env: KEYWARD_ADMIN_PORT]
    #[arg(long, value_name = "PORT")]
    pub admin_port: Option<String>,
    /// Accept this key of your own. Others on this machine can see it here; prefer --api-key-file or KEYWARD_API_KEY
    #[arg(long, value_name = "KEY", conflicts_with = "api_key_file")]
    pub api_key: Option<String>,
    /// Accept the key in this file [env: KEYWARD_API_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// How to log each request on stdout [default: human on a terminal, else off]
    #[arg(long, value_enum)]
    pub log: Option<Log>,
    /// Also log what Keyward itself does, on stderr
    #[arg(long, short)]
    pub verbose: bool,
}

/// Forms of the decision log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// One line per request, for people
    Human,
    /// One JSON object per request
    Json,
    /// Nothing
    Off,
}

/// Commands about the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Report every mistake in the configuration, with its line
    Check,
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Show each value in force and where it comes from
    Show,
}

/// Commands about keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key: on a terminal a card, piped the key alone on stdout
    Create(CreateKey),
    /// List keys, newest first
    List {
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
    /// Make a successor; the old key goes on for the overlap
    Rotate {
        /// The key's id
        id: String,
        /// How long the old key goes on, such as 24h, 30m or 0
        #[arg(long, default_value = "24h")]
        overlap: String,
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

/// Commands about the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what happened, newest first
    List {
        /// By this actor: operator, or the id of a user or key
        #[arg(long)]
        actor: Option<String>,
        /// This action, such as key.created
        #[arg(long)]
        action: Option<String>,
        /// To this key, user or account
        #[arg(long)]
        subject: Option<String>,
        /// Not before: a span back from now such as 7d, or a time
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Not after: a span back from now, or a time
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
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
    /// Print every record with its seal as a JSON object a line, and the head last
    Export {
        /// The head alone: keep it elsewhere, for `audit verify --head`
        #[arg(long)]
        head: bool,
    },
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
    /// Your own reference for it
    #[arg(long, value_name = "TEXT")]
    pub external_id: Option<String>,
}

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
    },
    /// List users, newest first
    List {
        /// How many at most; 0 = all
        #[arg(long, default_value_t = 0)]
        limit: u32,
        /// Go on where a listing with --limit ended: its nextCursor
        #[arg(long)]
        cursor: Option<String>,
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
    /// Give a user other roles, in place of those it has
    Roles {
        /// The user
        who: String,
        /// All of its roles from now on, comma-separated; '' for none
        roles: String,
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
    },
    /// List accounts, newest first
    List {
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

/// A request to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// The method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// Path and query
    #[arg(long)]
    pub path: String,
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

/// Reads the command line; ends the process with exit code 2 and what is wrong where it cannot.
pub fn parse() -> Cli {
    Cli::parse()
}
