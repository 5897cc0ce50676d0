//! Access keys of distributors.

use super::error::StateError;
use super::file::{read_checked, write_checked};
use super::state::State;
use protocol::{ApiKey, UploaderKeyId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const ADVICE: &str = "Remove it and add the keys again with `uploader key add`.";

/// Access keys, each for one distributor.
#[derive(Debug, Default)]
pub struct Keys(BTreeMap<String, StoredKey>);

/// An access key on disk. `Debug` shows its id only.
#[derive(Debug, Clone)]
pub struct StoredKey(pub ApiKey);

impl Serialize for StoredKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.reveal())
    }
}

impl<'de> Deserialize<'de> for StoredKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl Keys {
    /// Reads them.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn load(state: &State) -> Result<Self, StateError> {
        Ok(Self(read_checked(&state.keys(), ADVICE)?.unwrap_or_default()))
    }

    /// Writes them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        write_checked(&state.keys(), &self.0)
    }

    /// The key for a distributor.
    pub fn get(&self, distributor: &str) -> Option<&ApiKey> {
        self.0.get(distributor).map(|key| &key.0)
    }

    /// Takes a key in; gives the one that it replaces.
    pub fn insert(&mut self, distributor: &str, key: ApiKey) -> Option<UploaderKeyId> {
        self.0.insert(distributor.to_owned(), StoredKey(key)).map(|old| old.0.id())
    }

    /// Takes a key out.
    pub fn remove(&mut self, distributor: &str) -> Option<UploaderKeyId> {
        self.0.remove(distributor).map(|old| old.0.id())
    }

    /// The only distributor, if there is exactly one.
    pub fn only_distributor(&self) -> Option<&str> {
        let mut names = self.0.keys();
        names.next().filter(|_| names.next().is_none()).map(String::as_str)
    }

    /// Distributors and the ids of their keys.
    pub fn list(&self) -> impl Iterator<Item = (&str, UploaderKeyId)> {
        self.0.iter().map(|(distributor, key)| (distributor.as_str(), key.0.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_and_stay_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(Some(folder.path())).expect("a state");
        let key = ApiKey::random().expect("random bytes");
        let mut keys = Keys::load(&state).expect("no keys yet");
        assert_eq!(keys.only_distributor(), None);
        assert_eq!(keys.insert("https://a", key.clone()), None);
        keys.save(&state).expect("a write");

        let mut keys = Keys::load(&state).expect("keys");
        assert_eq!(keys.get("https://a"), Some(&key));
        assert_eq!(keys.only_distributor(), Some("https://a"));
        assert!(!format!("{keys:?}").contains(&key.reveal()));
        assert_eq!(keys.insert("https://a", ApiKey::random().expect("random bytes")), Some(key.id()));
        keys.insert("https://b", key.clone());
        assert_eq!(keys.only_distributor(), None);
        assert_eq!(keys.remove("https://b"), Some(key.id()));
        assert_eq!(keys.remove("https://b"), None);
    }

    #[test]
    fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(Some(folder.path())).expect("a state");
        std::fs::write(state.keys(), "{}").expect("a write");
        let error = Keys::load(&state).expect_err("damage").to_string();
        assert!(error.contains("keys.json") && error.contains("uploader key add"), "{error}");
    }
}
