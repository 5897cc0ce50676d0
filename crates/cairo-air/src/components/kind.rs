//! Kinds of tables in proof files and in messages.

use super::TableKind;
use crate::codec::{CodecError, Reader, Write};
use std::fmt;

impl TableKind {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let component = self.component();
        out.u8(component.code());
        component.describe(out);
    }

    /// `position` is the table's, for messages.
    pub(crate) fn decode(reader: &mut Reader<'_>, position: usize) -> Result<Self, CodecError> {
        let offset = reader.offset();
        let code = reader.u8("table kind")?;
        let unknown = CodecError::Unknown { what: "table kind", found: u64::from(code), offset };
        Self::of_code(code, reader, position).unwrap_or(Err(unknown))
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.component().name())
    }
}
