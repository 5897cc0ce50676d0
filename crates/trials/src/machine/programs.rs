//! Where the real programs are.

use anyhow::{Context as _, ensure};
use std::path::PathBuf;

/// The programs that are tried.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `distributor`.
    pub distributor: PathBuf,
    /// `donor`.
    pub donor: PathBuf,
    /// `uploader`.
    pub uploader: PathBuf,
}

impl Programs {
    /// Those beside this program's own file: of the same build, therefore.
    ///
    /// # Errors
    /// If one of them is not there.
    pub fn beside_us() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("the system does not tell where this program is")?;
        let folder = own.parent().context("this program is in no folder")?;
        let find = |name: &str| {
            let path = folder.join(name);
            ensure!(
                path.is_file(),
                "{} is not there; build it with `cargo build -p distributor -p donor-cli -p uploader-cli`",
                path.display()
            );
            Ok(path)
        };
        Ok(Self { distributor: find("distributor")?, donor: find("donor")?, uploader: find("uploader")? })
    }
}
