//! The file.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nuncio_auth::crypto;
use nuncio_telemetry::replace_file;
use serde::de::Error as _;
use serde_json::{Value, json};

use super::{Key, KeysError, NewKey};

/// The Secret's name.
pub(super) const NAME: &str = "portal-keys";
/// The annotation that says what is known of each key.
const ANNOTATION: &str = "nuncio.dev/keys";
/// What is before a digest.
const DIGEST: &str = "sha256:";

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// As the Secret has them: `sha256:` digests.
    digests: BTreeMap<String, String>,
    pub(super) keys: BTreeMap<String, Key>,
    /// What was read: what others have written beside stays.
    object: Value,
}

impl Manifest {
    /// What it says; nothing where it is not there.
    pub(super) fn read(path: &Path) -> Result<Self, KeysError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(KeysError::File(path.display().to_string(), error)),
        };
        Self::parse(&text).map_err(|error| KeysError::Unreadable(path.display().to_string(), error.to_string()))
    }

    fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let secret: Value = serde_json::from_slice(text)?;
        Self::with(serde_json::from_value(secret["stringData"].clone())?, &secret)
    }

    /// What a Secret says as an API server has it.
    pub(super) fn of_secret(secret: &Value) -> serde_json::Result<Self> {
        let data: Option<BTreeMap<String, String>> = serde_json::from_value(secret["data"].clone())?;
        let text = |encoded: String| String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
        let digests = data.unwrap_or_default().into_iter().map(|(id, encoded)| match text(encoded) {
            Some(digest) => Ok((id, digest)),
            // Somebody else's Secret, which is not to be written over.
            None => Err(serde_json::Error::custom(format!("{id:?} is no digest of a key"))),
        });
        Self::with(digests.collect::<Result<_, _>>()?, secret)
    }

    fn with(digests: BTreeMap<String, String>, secret: &Value) -> serde_json::Result<Self> {
        let keys = match secret["metadata"]["annotations"][ANNOTATION].as_str() {
            // Somebody made it for us.
            None if digests.is_empty() => BTreeMap::new(),
            known => serde_json::from_str(known.unwrap_or_default())?,
        };
        Ok(Self { digests, keys, object: secret.clone() })
    }

    /// The Secret of that name.
    pub(super) fn secret(&self, name: &str) -> Value {
        let known = serde_json::to_string(&self.keys).unwrap_or_default();
        let mut secret = self.object.clone();
        (secret["apiVersion"], secret["kind"]) = (json!("v1"), json!("Secret"));
        secret["metadata"]["name"] = json!(name);
        secret["metadata"]["annotations"][ANNOTATION] = json!(known);
        // All digests are written anew, so that one that was removed is gone.
        secret.as_object_mut().map(|secret| secret.remove("data"));
        secret["stringData"] = json!(self.digests);
        secret
    }

    pub(super) fn put(&mut self, new: &NewKey, key: Key) {
        let digest = crypto::hex(&crypto::sha256(new.secret.as_bytes()));
        self.digests.insert(new.id.clone(), format!("{DIGEST}{digest}"));
        self.keys.insert(new.id.clone(), key);
    }

    /// Its namespace, where it says one.
    pub(super) fn namespace(&self) -> Option<String> {
        self.object["metadata"]["namespace"].as_str().map(str::to_owned)
    }

    /// The digest of a key.
    pub(super) fn digest(&self, id: &str) -> Option<Vec<u8>> {
        crypto::unhex(self.digests.get(id)?.strip_prefix(DIGEST)?)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.digests.remove(id);
        self.keys.remove(id);
    }

    /// Writes it as a whole. JSON is YAML, too.
    pub(super) fn write(&self, path: &Path) -> Result<(), KeysError> {
        let secret = self.secret(NAME);
        // Digests of keys are nobody's business.
        let written = replace_file(path, format!("{secret:#}\n").as_bytes(), 0o600);
        written.map_err(|error| KeysError::File(path.display().to_string(), error))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_secret_that_is_empty_is_taken_and_no_other() {
        let secret = |data: Value| json!({ "metadata": { "name": "keys", "labels": { "by": "chart" } }, "data": data });
        let taken = Manifest::of_secret(&secret(Value::Null)).unwrap().secret("keys");
        assert_eq!((&taken["metadata"]["labels"]["by"], &taken["stringData"]), (&json!("chart"), &json!({})));
        assert_eq!(taken["metadata"]["annotations"][ANNOTATION], "{}");
        for data in [&b"abc"[..], b"\xff\xfe"] {
            assert!(Manifest::of_secret(&secret(json!({ "password": STANDARD.encode(data) }))).is_err(), "{data:?}");
        }
    }

    #[test]
    fn what_others_wrote_beside_the_keys_stays() {
        let metadata = json!({ "name": "keys", "labels": { "team": "shop" }, "ownerReferences": [{ "name": "portal" }],
            "annotations": { "other": "1", ANNOTATION: "{}" } });
        let read = json!({ "type": "Opaque", "metadata": metadata, "data": { "old": STANDARD.encode("sha256:1") } });
        let mut manifest = Manifest::of_secret(&read).unwrap();
        let key = Key {
            name: "a".into(),
            subject: "ann".into(),
            issuer: String::new(),
            since: Timestamp::UNIX_EPOCH,
            made: None,
        };
        manifest.put(&NewKey { id: "new".into(), secret: "s".into() }, key);
        manifest.remove("old");
        let written = manifest.secret("keys");
        for field in ["labels", "ownerReferences", "name"] {
            assert_eq!(written["metadata"][field], read["metadata"][field], "{field}");
        }
        assert_eq!((&written["type"], &written["metadata"]["annotations"]["other"]), (&json!("Opaque"), &json!("1")));
        assert!(written["metadata"]["annotations"][ANNOTATION].as_str().unwrap().contains("ann"), "{written}");
        assert!(written.get("data").is_none() && written["stringData"].get("new").is_some(), "{written}");
        assert!(Manifest::default().secret("keys")["stringData"].is_object());
    }
}
