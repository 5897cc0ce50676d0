//! What several rules look at: who uses the machine, and what the screen shows. Only what a rule asks for is looked at, once a
//! look.

use crate::governor::presence::{LINGER, Presence};
use crate::governor::screen::{Screen, Seen};

/// Looks.
#[derive(Debug, Default)]
pub struct Senses {
    units: Vec<u32>,
    presence: Option<Presence>,
    screen: Option<Screen>,
    /// Whether somebody uses the machine, and what could not be seen of that, as of this look.
    used: Option<(bool, Option<String>)>,
}

impl Senses {
    /// Begins a look; `units` are the processes of the running work units.
    pub fn begin(&mut self, units: &[u32]) {
        units.clone_into(&mut self.units);
        self.used = None;
    }

    /// The processes of the running work units.
    pub fn units(&self) -> &[u32] {
        &self.units
    }

    /// What the screen shows.
    ///
    /// # Errors
    /// Says why nothing can be seen.
    pub fn screen(&mut self) -> Result<Seen, String> {
        self.screen.get_or_insert_with(Screen::watch).look()
    }

    /// Whether somebody uses the machine, and what cannot be seen of that.
    pub fn used(&mut self) -> (bool, Option<String>) {
        if let Some(used) = &self.used {
            return used.clone();
        }
        let idle = self.screen().ok().and_then(|screen| screen.idle);
        let typed = self.presence.get_or_insert_with(Presence::default).look();
        let unseen = (!Presence::can_tell() && idle.is_none())
            .then(|| "whether somebody uses the machine cannot be seen here; it counts as nobody".to_owned());
        let used = (typed | idle.is_some_and(|idle| idle < LINGER), unseen);
        self.used.insert(used).clone()
    }

    /// Whether somebody used the machine at this look, as far as a rule asked.
    pub fn used_now(&self) -> bool {
        self.used.as_ref().is_some_and(|(used, _)| *used)
    }
}
