//! Objects whose fields are read one after the other, so that nothing need be kept but what counts.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// What takes the fields of an object.
pub(super) trait Fields: Sized {
    /// What the object is, for errors.
    const WHAT: &'static str;

    /// Takes the value of a field.
    ///
    /// # Errors
    /// If it is none.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error>;
}

/// An object, whose fields go to what is inside.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Fields> DeserializeSeed<'de> for Object<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Self(mut fields) = self;
        while let Some(name) = map.next_key()? {
            fields.field(name, &mut map)?;
        }
        Ok(fields)
    }
}

/// Passes over the value of a field.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}
