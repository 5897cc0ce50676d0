//! What the walls are, in words.

use super::Walls;
use serde::Serialize;
use std::fmt;

/// What protects this machine from what strangers send, and what does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The walls that depend on the kernel.
    #[serde(flatten)]
    pub walls: Walls,
    /// What the system lacks.
    pub missing: Vec<Missing>,
}

/// A wall that this system does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is missing and what that means.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. To mend it: {}", self.what, self.cure)
    }
}

impl fmt::Display for Report {
    /// One line on what there is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = match self.walls.landlock {
            0 => "no Landlock".to_owned(),
            version => format!("Landlock {version}"),
        };
        let calls = if self.walls.filter { "system calls filtered" } else { "system calls not filtered" };
        let state = if self.is_whole() { "whole" } else { "not whole" };
        write!(f, "{state} ({landlock}, {calls})")
    }
}

impl Report {
    /// On what was found.
    pub fn new(walls: Walls) -> Self {
        let mut missing = Vec::new();
        if !cfg!(target_os = "linux") {
            missing.push(Missing {
                what: "units' processes have the rights of the user who runs the donor: the walls around them are made for Linux only"
                    .to_owned(),
                cure: "run the donor as a user of its own, or on Linux".to_owned(),
            });
            return Self { walls, missing };
        }
        if walls.landlock == 0 {
            missing.push(Missing {
                what: "this kernel has no Landlock: one of the two walls between units and your files is missing".to_owned(),
                cure: "use Linux 5.13 or newer with `landlock` among its security modules (boot with `lsm=landlock,…`), and a \
                       container that allows its system calls"
                    .to_owned(),
            });
        }
        if !walls.filter {
            missing.push(Missing {
                what: "system calls of units cannot be filtered here: a mistake in the donor or in the kernel is easier to use"
                    .to_owned(),
                cure: "use a kernel with seccomp filters, on x86_64 or aarch64, and a container that allows them".to_owned(),
            });
        }
        Self { walls, missing }
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_a_cure() {
        let report = |landlock, filter| Report::new(Walls { landlock, filter });
        assert!(report(7, true).is_whole() && report(1, true).is_whole());
        assert_eq!(report(0, true).missing.len(), 1);
        assert!(report(0, true).missing[0].what.contains("no Landlock"));
        assert!(report(7, false).missing[0].cure.contains("seccomp"));
        assert_eq!(report(0, false).missing.len(), 2);
        let json = serde_json::to_value(report(7, false)).expect("written");
        assert_eq!((&json["landlock"], &json["filter"]), (&7.into(), &false.into()));
        assert!(json["missing"][0]["what"].is_string());
        assert_eq!(report(7, true).to_string(), "whole (Landlock 7, system calls filtered)");
        assert_eq!(report(0, false).to_string(), "not whole (no Landlock, system calls not filtered)");
    }
}
