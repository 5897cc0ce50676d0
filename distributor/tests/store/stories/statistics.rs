//! What is counted for the site, and what owners and donors say of themselves.

use crate::world::{World, donor, name, new_unit, primes, shown, spec};
use distributor::store::{AddUnits, ProofsOf, Subject, VerifiedRun, sum};
use felt::Felt;
use protocol::{
    BoardKind, Digest, DonorKey, DonorProfile, Felts, ProjectPage, Span, Tally, TeamId, Timestamp, Topic, UnitId,
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

const fn tally(steps: u64, units: u64, proofs: u64) -> Tally {
    Tally { steps, units, proofs }
}

/// A donor proves units with as many steps each.
async fn prove(world: &World, units: &[UnitId], donor: DonorKey, steps: u64, file: &str) {
    let submission =
        distributor::store::Submission { units: units.to_vec(), ..world.submission(units[0], donor, None, file) };
    let run = VerifiedRun { n_steps: steps, output: Felts(vec![Felt::from(42)]) };
    world.store.accept_proof(&submission, &vec![run; units.len()]).await.unwrap();
    assert_eq!(world.store.recount(false).await.unwrap(), []);
}

async fn profile(world: &World, number: u8, nickname: Option<&str>, team: Option<&str>) {
    let profile = DonorProfile {
        nickname: nickname.map(|name| name.parse().unwrap()),
        team: team.map(|name| name.parse().unwrap()),
    };
    world.store.set_profile(&donor(number), &profile, world.now()).await.unwrap();
    assert_eq!(world.store.profile(&donor(number)).await.unwrap(), profile);
}

async fn ever(world: &World, subject: Subject) -> Tally {
    sum(&world.store.series(&subject, Span::Day, Timestamp(0)).await.unwrap().points)
}

/// Ranks, steps of a board.
async fn board(world: &World, kind: BoardKind, span: Span) -> Vec<(u64, u64)> {
    let board = world.store.board(kind, span, world.now(), 10).await.unwrap();
    assert_eq!((board.kind, board.span), (kind, span));
    board.rows.iter().map(|row| (row.rank, row.tally.steps)).collect()
}

pub async fn what_is_credited_is_counted_once_everywhere(world: &World) {
    let units = world.add(6).await;
    prove(world, &units[..3], donor(1), 100, "batch").await;
    let all = tally(300, 3, 1);
    let figures = world.store.figures(world.now()).await.unwrap();
    assert_eq!((figures.ever, figures.today, figures.donors, figures.donors_today), (all, all, 1, 1));
    assert_eq!((figures.projects, figures.open_units), (1, 3));
    for subject in [Subject::Grid, Subject::Project(primes()), Subject::Donor(donor(1))] {
        assert_eq!(ever(world, subject).await, all);
    }
    // The same again, and of another donor what is proved already: nothing new.
    prove(world, &units[..3], donor(1), 100, "batch").await;
    prove(world, &units[..2], donor(2), 100, "late").await;
    assert_eq!(world.store.figures(world.now()).await.unwrap().ever, all);
    assert_eq!(world.store.project_figures(&primes(), 10).await.unwrap().donors, 1);
    // The same file for one more unit counts the unit, not the file.
    prove(world, &units[2..4], donor(1), 100, "batch").await;
    assert_eq!(world.store.figures(world.now()).await.unwrap().ever, tally(400, 4, 1));
    prove(world, &units[3..5], donor(2), 100, "overlapping").await;
    let here = world.store.project_figures(&primes(), 10).await.unwrap();
    assert_eq!((here.ever, here.donors), (tally(500, 5, 2), 2));
    assert_eq!(
        here.most.iter().map(|row| (row.donor, row.tally)).collect::<Vec<_>>(),
        [(donor(1), tally(400, 4, 1)), (donor(2), tally(100, 1, 1))]
    );
    let page = world.store.donor_page(&donor(2)).await.unwrap().unwrap();
    assert_eq!((page.ever, page.rank, page.nickname), (tally(100, 1, 1), Some(2), None));
    assert_eq!(page.projects[0].project, Some(primes()));
    let credit = world.store.donor(&donor(1), world.now()).await.unwrap().credit;
    assert_eq!((credit.proven_steps, credit.proven_units), (400, 4));
    assert_eq!(world.store.donor_page(&donor(9)).await.unwrap(), None);
}

pub async fn what_is_counted_is_counted_by_time(world: &World) {
    let units = world.add(4).await;
    for (index, unit) in units.iter().enumerate() {
        prove(world, &[*unit], donor(1), 10 << index, &format!("proof {index}")).await;
        world.pass([HOUR, DAY, 40 * DAY, 0][index]);
    }
    let steps = async |subject: Subject, span, from: u64| {
        let series = world.store.series(&subject, span, Timestamp(from)).await.unwrap();
        assert!(series.points.windows(2).all(|pair| pair[0].start < pair[1].start));
        series.points.iter().map(|point| point.tally.steps).collect::<Vec<_>>()
    };
    assert_eq!(steps(Subject::Grid, Span::Hour, 0).await, [10, 20, 40, 80]);
    assert_eq!(steps(Subject::Project(primes()), Span::Day, 0).await, [30, 40, 80]);
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Day, world.now().0 - 50 * DAY).await, [30, 40, 80]);
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Day, world.now().0 - DAY).await, [80]);
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Month, 0).await, [70, 80]);
    assert_eq!(steps(Subject::Project(name("none")), Span::Day, 0).await, [0_u64; 0]);
    for (span, steps) in [(Span::Day, 80), (Span::Month, 80), (Span::Ever, 150)] {
        assert_eq!(board(world, BoardKind::Donors, span).await, [(1, steps)]);
    }
    // Old hours go, and later old days of donors; nothing else does, and nothing is missed.
    assert!(world.store.fold(world.now()).await.unwrap() >= 6);
    assert_eq!(steps(Subject::Grid, Span::Hour, 0).await, [80]);
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Day, 0).await, [30, 40, 80]);
    assert_eq!(world.store.recount(false).await.unwrap(), []);
    world.pass(410 * DAY);
    world.store.fold(world.now()).await.unwrap();
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Day, 0).await, [0_u64; 0]);
    assert_eq!(steps(Subject::Donor(donor(1)), Span::Month, 0).await, [70, 80]);
    assert_eq!(steps(Subject::Grid, Span::Day, 0).await, [30, 40, 80]);
    assert_eq!(world.store.recount(false).await.unwrap(), []);
    // A clock that was set back finds nothing twice.
    world.back(500 * DAY);
    world.store.fold(world.now()).await.unwrap();
    assert_eq!(world.store.recount(true).await.unwrap(), []);
}

pub async fn what_is_proven_counts_for_the_team_of_that_time(world: &World) {
    let units = world.add(5).await;
    profile(world, 1, None, Some("Team One")).await;
    assert_eq!(board(world, BoardKind::Teams, Span::Ever).await, [], "nobody has proven anything for it");
    prove(world, &units[..1], donor(1), 10, "a").await;
    profile(world, 2, None, Some("team one")).await;
    prove(world, &units[1..2], donor(2), 20, "b").await;
    profile(world, 1, None, Some("Other")).await;
    prove(world, &units[2..3], donor(1), 40, "c").await;
    profile(world, 1, None, None).await;
    prove(world, &units[3..4], donor(1), 80, "d").await;
    assert_eq!(board(world, BoardKind::Teams, Span::Ever).await, [(1, 40), (2, 30)]);
    let boards = world.store.board(BoardKind::Teams, Span::Day, world.now(), 10).await.unwrap();
    let one = boards.rows[1].team.unwrap();
    let page = world.store.team_page(one).await.unwrap().unwrap();
    assert_eq!((page.name.as_str(), page.donors, page.ever, page.rank), ("Team One", 2, tally(30, 2, 2), Some(2)));
    assert_eq!(page.members.iter().map(|row| row.tally.steps).collect::<Vec<_>>(), [20, 10]);
    assert_eq!(ever(world, Subject::Team(one)).await, tally(30, 2, 2));
    assert_eq!(world.store.donor_page(&donor(2)).await.unwrap().unwrap().team, Some(one));
    assert_eq!(world.store.team_page(TeamId(99)).await.unwrap(), None);
    assert_eq!(world.store.team_page(TeamId(u32::MAX)).await.unwrap(), None);
}

pub async fn who_is_blocked_is_not_shown_around(world: &World) {
    let units = world.add(2).await;
    for number in [1, 2] {
        profile(world, number, Some("Anna"), Some("Team")).await;
        let (unit, file) = (units[usize::from(number) - 1], format!("of {number}"));
        prove(world, &[unit], donor(number), u64::from(number), &file).await;
    }
    let found = async || {
        let likeness = "anna".parse::<protocol::Nickname>().unwrap().likeness();
        let found = world.store.donors_called(&likeness, 10).await.unwrap();
        found.iter().map(|row| row.donor).collect::<Vec<_>>()
    };
    assert_eq!(found().await, [donor(2), donor(1)], "several may have one name");
    world.store.block_donor(&donor(2), true, world.now()).await.unwrap();
    assert_eq!(found().await, [donor(1)]);
    assert_eq!(board(world, BoardKind::Donors, Span::Ever).await, [(1, 1)]);
    let here = world.store.project_figures(&primes(), 10).await.unwrap();
    assert_eq!((here.most.len(), here.donors), (1, 2));
    let page = world.store.donor_page(&donor(2)).await.unwrap().unwrap();
    assert_eq!((page.nickname, page.team_name, page.rank, page.ever.steps), (None, None, None, 2));
    let proofs = world.store.proofs_of(&ProofsOf::Project(primes()), 10).await.unwrap();
    assert_eq!(proofs.iter().map(|proof| proof.nickname.is_some()).collect::<Vec<_>>(), [false, true]);
    world.store.block_donor(&donor(2), false, world.now()).await.unwrap();
    assert_eq!(found().await.len(), 2);
}

pub async fn owners_tell_visitors_about_projects(world: &World) {
    assert_eq!(world.store.page(&primes()).await.unwrap(), Some(ProjectPage::default()));
    assert_eq!(world.store.page(&name("none")).await.unwrap(), None);
    let page = ProjectPage {
        about: "# Primes".to_owned(),
        cause: Some(Topic::Mathematics),
        cite: "Cite us.".to_owned(),
        plot: Some("line:0:0".parse().unwrap()),
        open_results: true,
    };
    assert!(world.store.put_page(&primes(), &page, world.now()).await.unwrap());
    assert!(!world.store.put_page(&name("none"), &page, world.now()).await.unwrap());
    assert_eq!(world.store.page(&primes()).await.unwrap(), Some(page.clone()));
    // What is declared anew leaves it as it is.
    world.put(&primes(), &spec()).await;
    assert_eq!(world.store.page(&primes()).await.unwrap(), Some(page));
    world.store.put_page(&primes(), &ProjectPage::default(), world.now()).await.unwrap();
    assert_eq!(world.store.page(&primes()).await.unwrap(), Some(ProjectPage::default()));
}

pub async fn projects_are_seen_at_a_glance(world: &World) {
    for other in ["alpha", "beta", "zeta"] {
        world.put(&name(other), &spec()).await;
    }
    let AddUnits::Stored(_) = world.add_to(&name("zeta"), vec![new_unit(1)]).await else { panic!("not stored") };
    let units = world.add(3).await;
    prove(world, &units[..1], donor(1), 10, "a").await;
    world.store.withdraw_unit(&units[1], world.now()).await.unwrap();
    world.store.withdraw_project(&name("beta"), world.now()).await.unwrap();
    let cards = world.store.first_cards(10).await.unwrap();
    assert_eq!(cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>(), ["primes", "alpha", "zeta"]);
    let first = &cards[0];
    assert_eq!((first.units, first.proved, first.open, first.proven_steps, first.donors), (2, 1, 1, 10, 1));
    let (cards, more) = world.store.cards("alpha-", 1).await.unwrap();
    assert_eq!(cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>(), ["primes"], "beta is withdrawn");
    assert!(more);
    assert!(!world.store.cards("primes", 2).await.unwrap().1);
}

pub async fn proofs_and_values_are_listed(world: &World) {
    let units = world.add(3).await;
    prove(world, &units[..2], donor(1), 100, "batch").await;
    world.pass(5);
    prove(world, &units[2..], donor(2), 7, "single").await;
    let proofs = world.store.proofs_of(&ProofsOf::Project(primes()), 10).await.unwrap();
    assert_eq!(
        proofs.iter().map(|proof| (proof.sha256, proof.runs, proof.steps)).collect::<Vec<_>>(),
        [(Digest::of(b"single"), 1, 7), (Digest::of(b"batch"), 2, 200)]
    );
    assert_eq!((proofs[0].accepted_at, proofs[0].kept, proofs[0].open), (world.now(), true, false));
    let of_one = world.store.proofs_of(&ProofsOf::Donor(donor(1)), 10).await.unwrap();
    assert_eq!(of_one, proofs[1..]);
    let plot = "line:0:0".parse().unwrap();
    let values = world.store.values(&primes(), &plot, 0, 10).await.unwrap();
    let argument = |index: u64| Some(Felt::from(index));
    assert_eq!(
        values.iter().map(|value| (value.argument, value.output)).collect::<Vec<_>>(),
        [(argument(0), Some(Felt::from(42))), (argument(1), Some(Felt::from(42))), (argument(2), Some(Felt::from(42)))]
    );
    assert_eq!(world.store.values(&primes(), &plot, values[1].cursor, 10).await.unwrap(), values[2..]);
    assert_eq!(world.store.values(&primes(), &plot, 0, 1).await.unwrap(), values[..1]);
    let beyond = "line:1:9999".parse().unwrap();
    let nothing = world.store.values(&primes(), &beyond, 0, 1).await.unwrap();
    assert_eq!((nothing[0].argument, nothing[0].output), (None, None));
    assert_eq!(shown().output.0.len(), 1);
}

pub async fn what_was_credited_outlives_its_project(world: &World) {
    let units = world.add(3).await;
    profile(world, 1, None, Some("Team")).await;
    prove(world, &units[..2], donor(1), 100, "batch").await;
    world.pass(2 * HOUR);
    prove(world, &units[2..], donor(2), 7, "single").await;
    let before = world.store.figures(world.now()).await.unwrap();
    let page = world.store.donor_page(&donor(1)).await.unwrap().unwrap();
    world.store.put_page(&primes(), &ProjectPage::default(), world.now()).await.unwrap();
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    world.store.remove_project(&primes(), true, world.now()).await.unwrap();
    while world.store.remove_more().await.unwrap() {
        assert_eq!(world.store.recount(false).await.unwrap(), []);
    }
    assert_eq!(world.store.recount(false).await.unwrap(), []);
    assert_eq!(world.store.project(&primes(), world.now()).await.unwrap(), None);
    let after = world.store.figures(world.now()).await.unwrap();
    assert_eq!((after.ever, after.donors, after.today), (before.ever, before.donors, before.today));
    let left = world.store.donor_page(&donor(1)).await.unwrap().unwrap();
    assert_eq!((left.ever, left.projects, left.rank), (page.ever, Vec::new(), Some(1)));
    assert_eq!(board(world, BoardKind::Teams, Span::Ever).await, [(1, 200)]);
    assert_eq!(world.store.proofs_of(&ProofsOf::Donor(donor(1)), 10).await.unwrap(), []);
    // Mending makes the same of what is left.
    assert_eq!(world.store.recount(true).await.unwrap(), []);
}
