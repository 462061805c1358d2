//! `data`: where Keyward keeps its own data.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Written;

/// Where Keyward keeps its own data.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The directory, made at first start and readable by its owner alone.
    #[serde(with = "Written::<PathBuf>")]
    pub dir: PathBuf,
}
