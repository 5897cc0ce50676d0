//! What is looked at every few seconds: battery, presence, temperature, programs, screen. Only what the settings ask for is
//! looked at; what cannot be seen is said.

use super::heat::Reading;
use super::machine::{ProcessList, Sensors, on_battery};
use super::presence::{LINGER, Presence};
use super::screen::Screen;
use super::{Programs, Settings};

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Whether the machine runs on battery.
    pub on_battery: bool,
    /// Whether somebody uses the machine.
    pub used: bool,
    /// How hot the processor is.
    pub temperature: Option<Reading>,
    /// Which of the named programs runs.
    pub program: Option<String>,
    /// Whether a window fills the screen.
    pub fullscreen: bool,
    /// What was asked for and cannot be seen, in words.
    pub unseen: Vec<String>,
}

/// Looks.
#[derive(Debug)]
pub struct Signs {
    battery: bool,
    presence: Option<Presence>,
    sensors: Option<Sensors>,
    programs: Option<(Programs, ProcessList)>,
    /// What the screen shows is asked for, and not only who uses it.
    fullscreen: bool,
    screen: Option<Screen>,
}

impl Signs {
    /// For these settings. Begins to watch the screen if need be.
    pub fn new(settings: &Settings) -> Self {
        let presence = settings.asks_for_presence();
        let screen = settings.pause_when_fullscreen || presence;
        Self {
            battery: settings.pause_on_battery,
            presence: presence.then(Presence::default),
            sensors: settings.max_temperature.map(|_| Sensors::default()),
            programs: (!settings.pause_for.is_empty()).then(|| (settings.pause_for.clone(), ProcessList::default())),
            fullscreen: settings.pause_when_fullscreen,
            screen: screen.then(Screen::watch),
        }
    }

    /// Looks; `units` are the processes of the running work units.
    pub fn look(&mut self, units: &[u32]) -> Seen {
        let mut seen = Seen { on_battery: self.battery && on_battery(), ..Seen::default() };
        let screen = self.screen.as_ref().map(Screen::look);
        let idle = screen.as_ref().and_then(|screen| screen.as_ref().ok()?.idle);
        if let Some(presence) = &mut self.presence {
            seen.used = presence.look() | idle.is_some_and(|idle| idle < LINGER);
            if !Presence::can_tell() && idle.is_none() {
                seen.unseen
                    .push("whether somebody uses the machine cannot be seen here; it counts as nobody".to_owned());
            }
        }
        if let Some(sensors) = &mut self.sensors {
            seen.temperature = sensors.look();
            if seen.temperature.is_none() {
                let message = "no sensor tells how hot the processor is: work never pauses for heat";
                seen.unseen.push(message.to_owned());
            }
        }
        if let Some((programs, list)) = &mut self.programs {
            seen.program = list.find(programs, units);
            if !list.can_tell() {
                seen.unseen.push("which programs run cannot be seen here: work never pauses for them".to_owned());
            }
        }
        if let (true, Some(screen)) = (self.fullscreen, screen) {
            match screen {
                Ok(screen) => seen.fullscreen = screen.fullscreen,
                Err(why) => seen.unseen.push(format!("whether a window fills the screen cannot be seen: {why}")),
            }
        }
        seen
    }
}
