//! What is told of a change.

use serde::Deserialize;

use super::Problem;
use crate::texts::Texts;

/// The text of an object.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Manifest {
    pub(in crate::console) file: String,
    pub(in crate::console) line: u32,
    pub(in crate::console) text: String,
    pub(in crate::console) digest: String,
    pub(in crate::console) fields: Vec<Field>,
    pub(in crate::console) sections: Vec<Section>,
    pub(in crate::console) adds: Vec<Add>,
    pub(in crate::console) sections_left_out: usize,
    pub(in crate::console) is_file: bool,
    pub(in crate::console) has_secret: bool,
    pub(in crate::console) may_apply: bool,
    /// The gateway has read it as it stands.
    pub(in crate::console) is_read: bool,
}

/// A field that has an input of its own.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Field {
    pub(in crate::console) path: String,
    /// What the texts know it by.
    pub(in crate::console) name: String,
    pub(in crate::console) value: String,
    /// What may stand there, if it is one of a few.
    pub(in crate::console) choices: Vec<String>,
    pub(in crate::console) has_lines: bool,
    /// What is wrong with it.
    #[serde(skip)]
    pub(in crate::console) fault: String,
}

/// An item of a list.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Section {
    pub(in crate::console) path: String,
    pub(in crate::console) name: String,
    pub(in crate::console) numbers: Vec<usize>,
    pub(in crate::console) fields: Vec<Field>,
    pub(in crate::console) adds: Vec<Add>,
}

/// A list that items can be added to.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Add {
    pub(in crate::console) path: String,
    pub(in crate::console) name: String,
}

impl Field {
    /// What it is called.
    pub(in crate::console) fn title<'t>(&'t self, texts: &'t Texts) -> &'t str {
        texts.find(&format!("field_{}", self.name)).unwrap_or(&self.path)
    }

    /// What may stand there.
    pub(in crate::console) fn hint<'t>(&self, texts: &'t Texts) -> &'t str {
        texts.find(&format!("hint_{}", self.name)).unwrap_or_default()
    }
}

/// What a change would do.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct DryRun {
    pub(in crate::console) manifest: Manifest,
    pub(in crate::console) is_valid: bool,
    /// It would be in force, also with what is wrong.
    #[serde(default)]
    pub(in crate::console) is_usable: bool,
    pub(in crate::console) problems: Vec<Problem>,
    pub(in crate::console) patch: String,
    pub(in crate::console) routes: Vec<Effect>,
    pub(in crate::console) routes_total: usize,
    #[serde(default)]
    pub(in crate::console) routes_in_previews: usize,
    pub(in crate::console) hosts: Vec<String>,
    #[serde(default)]
    pub(in crate::console) hosts_in_previews: usize,
    pub(in crate::console) listeners: Vec<String>,
    pub(in crate::console) whole_listeners: Vec<String>,
    pub(in crate::console) lost: Vec<Loss>,
    pub(in crate::console) is_bounded: bool,
    pub(in crate::console) confirm: Option<String>,
}

/// A route that would be less protected.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Loss {
    pub(in crate::console) what: Protection,
    pub(in crate::console) host: String,
    #[serde(rename = "match")]
    pub(in crate::console) matches: String,
    pub(in crate::console) path: String,
    pub(in crate::console) was: String,
}

/// What it would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::console) enum Protection {
    Login,
    Weaker,
    Limit,
    Tls,
    Certificate,
    Address,
}

impl Loss {
    /// For which requests, and who asked for what before.
    pub(in crate::console) fn words(&self, texts: &Texts) -> String {
        match self.what {
            Protection::Login => texts.fill("lost_asked", &[("path", &self.path), ("who", &self.was)]),
            Protection::Weaker => texts.fill("lost_wanted", &[("path", &self.path), ("what", &self.was)]),
            Protection::Limit | Protection::Tls => texts.with("lost_for", "path", &self.path),
            Protection::Certificate => texts.with("lost_by", "listeners", &self.was),
            Protection::Address => texts.with("lost_before", "what", &self.was),
        }
    }
}

/// Two changes of a text.
#[derive(Debug, Deserialize)]
pub(in crate::console) struct Conflict {
    pub(in crate::console) manifest: Manifest,
    pub(in crate::console) text: String,
    pub(in crate::console) yours: String,
    pub(in crate::console) others: String,
    pub(in crate::console) merged: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(in crate::console) struct Effect {
    #[serde(default)]
    pub(in crate::console) in_preview: bool,
    pub(in crate::console) host: String,
    #[serde(rename = "match")]
    pub(in crate::console) matches: String,
    pub(in crate::console) effect: What,
}

/// What becomes of a route.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::console) enum What {
    Added,
    Changed,
    Removed,
    Rules,
    Moved,
    Asked,
    Limits,
    Upstream,
    Listener,
}

impl What {
    /// The text that says it.
    pub(in crate::console) fn text(self) -> &'static str {
        match self {
            Self::Added => "effect_added",
            Self::Changed => "effect_changed",
            Self::Removed => "effect_removed",
            Self::Rules => "effect_rules",
            Self::Moved => "effect_moved",
            Self::Asked => "effect_asked",
            Self::Limits => "effect_limits",
            Self::Upstream => "effect_upstream",
            Self::Listener => "effect_listener",
        }
    }
}
