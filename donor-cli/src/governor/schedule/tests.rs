use super::week::{Day, WEEK};
use super::*;
use jiff::civil::{Date, date};
use proptest::prelude::*;

/// A time of the week of 5 January 2026, which is a Monday.
fn at(day: i8, hour: i8, minute: i8) -> DateTime {
    date(2026, 1, 5 + day).at(hour, minute, 0, 0)
}

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn percent(schedule: &Schedule, time: DateTime, present: bool) -> Option<f64> {
    match schedule.at(time, present).cap {
        Cap::Usual => None,
        Cap::Nothing => Some(0.0),
        Cap::Share(share) => Some(share.percent()),
    }
}

#[test]
fn only_times() {
    let night = schedule("22:00-07:00");
    for (hour, minute, allowed) in
        [(21, 59, false), (22, 0, true), (0, 0, true), (6, 59, true), (7, 0, false), (12, 0, false)]
    {
        let expected = if allowed { Cap::Usual } else { Cap::Nothing };
        assert_eq!(night.at(at(2, hour, minute), false).cap, expected, "{hour}:{minute}");
    }
    let opens = |schedule: &Schedule, hour| schedule.next_opening(at(0, hour, 0), false).map(|at| at.to_string());
    assert_eq!(opens(&night, 12).as_deref(), Some("22:00"));
    let two = schedule("8:30-12:00, 18:00 - 24:00");
    assert_eq!(two.to_string(), "08:30-12:00,18:00-24:00");
    assert_eq!(opens(&two, 13).as_deref(), Some("18:00"));
    assert_eq!(opens(&two, 7).as_deref(), Some("08:30"));
    assert_eq!(two.at(at(0, 23, 59), false).cap, Cap::Usual);
    assert_eq!(two.at(at(0, 0, 0), false).cap, Cap::Nothing);
}

#[test]
fn days_caps_and_the_rest() {
    let week = schedule("mon-fri 18:00-08:00=80, else=20");
    assert_eq!(week.to_string(), "mon-fri 18:00-08:00=80, else=20");
    for (time, expected) in [
        (at(0, 7, 59), 20.0),
        (at(0, 17, 59), 20.0),
        (at(0, 18, 0), 80.0),
        (at(1, 7, 59), 80.0),
        (at(1, 8, 0), 20.0),
        (at(4, 23, 0), 80.0),
        (at(5, 7, 59), 80.0),
        (at(5, 8, 0), 20.0),
        (at(6, 20, 0), 20.0),
    ] {
        assert_eq!(percent(&week, time, false), Some(expected), "{time}");
    }
    let friday = week.at(at(4, 19, 0), false);
    assert_eq!(
        (friday.rule.as_deref(), friday.until.map(|at| at.to_string()).as_deref()),
        (Some("mon-fri 18:00-08:00=80"), Some("08:00 on Saturday"))
    );
    let saturday = week.at(at(5, 9, 0), false);
    assert_eq!(
        (saturday.rule.as_deref(), saturday.until.map(|at| at.to_string()).as_deref()),
        (Some("else=20"), Some("18:00 on Monday"))
    );
    assert_eq!(week.most("50".parse().expect("a share")).percent(), 80.0);
    assert!(week.has_caps() && !week.asks_for_presence());
}

#[test]
fn lists_and_ranges_of_days() {
    for (text, printed) in [
        ("Mon,Wed 8:00-9:00=0, sat - sun = 100 %, else", "mon,wed 08:00-09:00=0, sat-sun=100, else"),
        ("friday-monday", "mon,fri-sun 00:00-24:00"),
        ("mon, tue, sat=30, daily 10:00-12:00", "mon-tue,sat=30, daily 10:00-12:00"),
        ("mon 00:00-24:00, tue 08:00-24:00=7.5", "mon 00:00-24:00, tue 08:00-24:00=7.5"),
        ("daily", "daily 00:00-24:00"),
    ] {
        assert_eq!(schedule(text).to_string(), printed);
        assert_eq!(schedule(printed), schedule(text));
    }
}

#[test]
fn presence() {
    let home = schedule("present 17:00-22:00=0, present=30, else=90");
    assert_eq!(home.to_string(), "present 17:00-22:00=0, present=30, else=90");
    assert!(home.asks_for_presence());
    assert_eq!(percent(&home, at(0, 18, 0), true), Some(0.0));
    assert_eq!(percent(&home, at(0, 18, 0), false), Some(90.0));
    assert_eq!(percent(&home, at(0, 12, 0), true), Some(30.0));
    assert_eq!(home.at(at(0, 12, 0), false).until, None);
    assert_eq!(home.at(at(0, 12, 0), true).until.map(|at| at.to_string()).as_deref(), Some("17:00"));
    assert_eq!(schedule("away sat-sun=100, else=10").to_string(), "away sat-sun=100, else=10");
}

#[test]
fn bad_text_says_what_is_wrong() {
    for (text, why) in [
        ("night", "`night` is no day from mon to sun, no time such as 22:00-07:00, and not else, away or present"),
        ("", "there is nothing between two commas"),
        ("=50", "nothing stands before `=`"),
        ("22-7", "`22` is no time from 00:00 to 24:00"),
        ("22:00", "`22:00` has no `-` between two times"),
        ("25:00-07:00", "`25:00` is no time from 00:00 to 24:00"),
        ("22:00-07:60", "`07:60` is no time from 00:00 to 24:00"),
        ("24:01-07:00", "`24:01` is no time from 00:00 to 24:00"),
        ("-1:00-07:00", "`` is no day from mon to sun, no time such as 22:00-07:00, and not else, away or present"),
        ("07:00-07:00", "`07:00-07:00` begins where it ends; the whole day is 00:00-24:00"),
        ("22:00-07:00,", "in ``, there is nothing between two commas"),
        (
            "mon-fry 18:00-08:00=80, else=20",
            "in `mon-fry 18:00-08:00=80`, `fry` is no day from mon to sun, no time such as 22:00-07:00, and not else, away or present",
        ),
        ("mon 08:00-09:00=120", "`120` is no percentage from 0 to 100"),
        ("mon 08:00-09:00=0, else=0", "it never allows any work; say what holds at other times, such as else=50"),
        ("mon-fri 09:00-17:00=0", "it never allows any work; say what holds at other times, such as else=50"),
        ("else=5, mon=3", "`mon=3` comes after `else`, which must be the last rule"),
        (
            "mon 08:00-12:00, 14:00-16:00",
            "in `14:00-16:00`, no days are given, though they are in a rule before; write daily 14:00-16:00, or the days",
        ),
        ("mon 08:00-12:00 14:00-16:00", "`14:00-16:00` is a second span; write another rule for it"),
        ("08:00-12:00 mon", "`mon` must come before the times, as one list of days"),
        ("mon present=3", "`present` must be the first word of its rule"),
        (
            "mon=50, mon 08:00-10:00=20",
            "`mon 08:00-10:00=20` never holds, since the rule before it holds at all its times; the first that fits counts",
        ),
        (
            "daily=80, else=20",
            "`else=20` never holds, since the rule before it holds at all its times; the first that fits counts",
        ),
    ] {
        assert_eq!(
            text.parse::<Schedule>().map(|schedule| schedule.to_string()).map_err(|error| error.why),
            Err(why.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn the_hour_that_is_skipped_and_the_one_that_comes_twice() {
    // In Berlin, 2026: clocks go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.
    let night = schedule("sun 01:30-02:30=80, else=20");
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone that the system knows");
    let minutes = |day: Date| {
        let begin = day.at(0, 0, 0, 0).to_zoned(zone.clone()).expect("a time");
        (0..1440)
            .filter(|minute| {
                let time = begin.checked_add(jiff::SignedDuration::from_mins(*minute)).expect("a time");
                percent(&night, time.datetime(), false) == Some(80.0)
            })
            .count()
    };
    assert_eq!(minutes(date(2026, 3, 22)), 60);
    assert_eq!(minutes(date(2026, 3, 29)), 30, "02:00 to 02:30 is not on the wall");
    assert_eq!(minutes(date(2026, 10, 25)), 90, "02:00 to 02:30 is there twice");
}

fn some_cap() -> impl Strategy<Value = Cap> {
    prop_oneof![
        Just(Cap::Usual),
        Just(Cap::Nothing),
        (1_u8..=100).prop_map(|percent| Cap::Share(percent.to_string().parse().expect("a share")))
    ]
}

fn some_rule() -> impl Strategy<Value = Rule> {
    let who = prop_oneof![Just(None), Just(Some(Who::Away)), Just(Some(Who::Present))];
    let days = prop_oneof![
        Just(Days::ALL),
        (1_u8..=127).prop_map(|bits| {
            let day = |at: u8| {
                Day::from_name(["mon", "tue", "wed", "thu", "fri", "sat", "sun"][usize::from(at)]).expect("a day")
            };
            (0..7)
                .filter(|at| bits & (1 << at) != 0)
                .fold(Days::NONE, |days, at| days.and(Days::range(day(at), day(at))))
        })
    ];
    let span = prop_oneof![
        Just(None),
        (0_u16..DAY, 1_u16..=DAY)
            .prop_filter("a span", |(from, to)| from != to && (*from, *to) != (0, DAY))
            .prop_map(|(from, to)| Some(Span { from, to }))
    ];
    (who, days, span, some_cap()).prop_map(|(who, days, span, cap)| Rule { who, days, span, cap, otherwise: false })
}

fn some_schedule() -> impl Strategy<Value = Schedule> {
    let otherwise = proptest::option::of(some_cap().prop_map(|cap| Rule {
        who: None,
        days: Days::ALL,
        span: None,
        cap,
        otherwise: true,
    }));
    (proptest::collection::vec(some_rule(), 1..5), otherwise)
        .prop_map(|(rules, otherwise)| Schedule(rules.into_iter().chain(otherwise).collect()))
        .prop_filter("that makes sense", |schedule| schedule.check().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_the_same(schedule in some_schedule()) {
        let text = schedule.to_string();
        prop_assert_eq!(text.parse::<Schedule>(), Ok(schedule), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9:,=% \\-]{0,40}|(mon|sat|daily|else|away|present|[0-9]{1,2}:[0-9]{2}|[,=\\- ]|[0-9]{1,3}){0,12}") {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
        }
    }

    /// The rule in force is the first that fits, and what is said to come next is the next that comes.
    #[test]
    fn every_minute_of_a_week_has_one_cap(schedule in some_schedule(), present: bool) {
        let caps: Vec<Cap> = (0..WEEK).map(|minute| {
            let fitting: Vec<Cap> = schedule.0.iter().filter(|rule| rule.fits(minute, present)).map(|rule| rule.cap).collect();
            fitting.first().copied().unwrap_or(Cap::Nothing)
        }).collect();
        let week = usize::from(WEEK);
        for minute in (0..week).step_by(37) {
            let (day, time) = (i8::try_from(minute / 1440).unwrap(), minute % 1440);
            let now = at(day, i8::try_from(time / 60).unwrap(), i8::try_from(time % 60).unwrap());
            let found = schedule.at(now, present);
            prop_assert_eq!(found.cap, caps[minute]);
            let next = (1..=week).find(|away| caps[(minute + away) % week] != caps[minute]);
            prop_assert_eq!(found.until.map(|until| usize::from(until.minutes_away())), next);
            if caps[minute] == Cap::Nothing {
                let opens = schedule.next_opening(now, present);
                prop_assert_eq!(opens.map(|at| usize::from(at.minutes_away())), next, "from minute {}", minute);
            }
        }
    }
}
