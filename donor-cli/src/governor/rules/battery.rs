//! Pausing on battery. Linux only, from `/sys/class/power_supply`; elsewhere the answer is always no.

use super::rule::{Kind, Now, Rule};
use super::senses::Senses;
use crate::setting::{Setting, pause_or_ignore};
use std::fs;
use std::path::Path;

pub(super) static KIND: Kind = Kind {
    word: "battery",
    pauses_while: "the machine runs on battery",
    settings: &[Setting {
        name: "battery",
        help: "on battery: pause or ignore",
        default: "pause",
        option: None,
        check: pause_or_ignore,
    }],
    field: None,
    make: |values| (values.text("battery").as_deref() != Some("ignore")).then(|| Box::new(Battery(false)) as _),
};

/// Whether the machine ran on battery at the last look.
#[derive(Debug)]
struct Battery(bool);

impl Rule for Battery {
    fn look(&mut self, _: &mut Senses) {
        self.0 = on_battery(Path::new(POWER_SUPPLIES));
    }

    fn pause(&mut self, _: &Now) -> Option<String> {
        self.0.then(|| "the machine runs on battery".to_owned())
    }
}

/// Where Linux lists power supplies.
const POWER_SUPPLIES: &str = "/sys/class/power_supply";

/// Whether the machine runs on battery: a battery of the machine itself is discharging and no mains or USB supply is
/// online. Machines without batteries never do.
fn on_battery(supplies: &Path) -> bool {
    let Ok(entries) = fs::read_dir(supplies) else { return false };
    let mut discharging = false;
    for entry in entries.flatten() {
        let read = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default().trim().to_owned();
        // Batteries of mice and headphones have the scope `Device`.
        if read("scope") == "Device" {
            continue;
        }
        match read("type").as_str() {
            "Battery" => discharging |= read("status") == "Discharging",
            _ if read("online") == "1" => return false,
            _ => {}
        }
    }
    discharging
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(supplies: &[(&str, &[(&str, &str)])]) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, files) in supplies {
            let supply = folder.path().join(name);
            fs::create_dir(&supply).expect("created");
            files.iter().for_each(|(file, text)| fs::write(supply.join(file), format!("{text}\n")).expect("written"));
        }
        on_battery(folder.path())
    }

    #[test]
    fn laptops_desktops_and_mice() {
        let battery = ("BAT0", &[("type", "Battery"), ("status", "Discharging")] as &[_]);
        let full = ("BAT0", &[("type", "Battery"), ("status", "Full")] as &[_]);
        let unplugged = ("AC", &[("type", "Mains"), ("online", "0")] as &[_]);
        let plugged = ("AC", &[("type", "Mains"), ("online", "1")] as &[_]);
        let mouse = ("mouse", &[("type", "Battery"), ("status", "Discharging"), ("scope", "Device")] as &[_]);
        assert!(machine(&[battery, unplugged]));
        assert!(machine(&[battery]));
        assert!(!machine(&[battery, plugged]));
        assert!(!machine(&[full, unplugged]));
        assert!(!machine(&[mouse]));
        assert!(!machine(&[]));
        assert!(!on_battery(Path::new("/nowhere")));
    }
}
