//! `uploader status`.

mod watch;

use super::Context;
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use crate::show::{Column, Sheet, Value};
use protocol::client::UploaderClient;
use protocol::{Project, ProjectState};
use std::time::Duration;

pub(super) async fn run(context: &Context, options: &cli::Status) -> Result<(), Error> {
    let client = context.public_client()?;
    match options.watch {
        Some(seconds) => watch::run(context, &client, options, Duration::from_secs(seconds)).await,
        None => {
            let projects = look(&client, options).await?;
            options.format.print(&sheet(&projects))?;
            advise(context, &projects, options.all);
            Ok(())
        }
    }
}

/// The projects that are asked for.
async fn look(client: &UploaderClient, options: &cli::Status) -> Result<Vec<Project>, Error> {
    Ok(match &options.project {
        Some(name) => vec![client.project(name).await?],
        None if options.all => client.all_projects().await?.projects,
        None => client.projects().await?.projects,
    })
}

/// Says what should be known of the projects, and what can be done.
fn advise(context: &Context, projects: &[Project], all: bool) {
    if projects.is_empty() {
        let hint = if all { "" } else { "; those that were withdrawn are shown with --all" };
        context.printer.note(format_args!("There is no project yet; `uploader push` makes one{hint}."));
    }
    for project in projects.iter().filter(|project| project.units.failed > 0) {
        context.printer.warn(format_args!(
            "{} of {name} failed; `uploader history {name}` says why, `uploader retry {name}` tries them again",
            counted(project.units.failed, "unit"),
            name = project.name
        ));
    }
    for project in projects.iter().filter(|project| project.units.suspect > 0) {
        context.printer.note(format_args!(
            "Donors say that {} of {name} failed; others try again. `uploader list {name} --suspect` shows who said what, \
             `uploader withdraw {name} UNIT` gives one up, `uploader retry {name} UNIT` begins anew.",
            counted(project.units.suspect, "unit"),
            name = project.name
        ));
    }
}

/// The columns of numbers, and the numbers of a project.
const NUMBERS: [&str; 12] = [
    "units",
    "queued",
    "leased",
    "executed",
    "proved",
    "collected",
    "failed",
    "withdrawn",
    "suspect",
    "proven_steps",
    "proofs",
    "thinned",
];

fn columns() -> impl Iterator<Item = Column> {
    [Column::text("project"), Column::text("state")].into_iter().chain(NUMBERS.map(Column::number))
}

fn row(project: &Project) -> Vec<Value> {
    let units = &project.units;
    let state = match project.state {
        ProjectState::Active => "active",
        ProjectState::Withdrawing => "withdrawing",
        ProjectState::Withdrawn => "withdrawn",
    };
    let numbers: [u64; NUMBERS.len()] = [
        units.total(),
        units.queued,
        units.leased,
        units.executed,
        units.proved,
        units.collected,
        units.failed,
        units.withdrawn,
        units.suspect,
        project.proven_steps,
        project.proofs.files,
        project.proofs.thinned,
    ];
    let texts = [Value::text(&project.name), Value::text(state)];
    texts.into_iter().chain(numbers.map(Value::Number)).collect()
}

fn sheet(projects: &[Project]) -> Sheet {
    let mut sheet = Sheet::new(columns());
    projects.iter().for_each(|project| sheet.push(row(project)));
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Format;
    use protocol::{
        Digest, KeepProofs, Preset, ProgramHash, ProjectSpec, ProofCounts, Signature, SignerKey, Timestamp, UnitCounts,
        UnitLimits,
    };

    #[test]
    fn projects_as_a_table() {
        let spec = ProjectSpec {
            program: Digest::of(b"program"),
            record: Digest::of(b"record"),
            program_hash: ProgramHash::from_bytes([0; 32]),
            signer: SignerKey::from_bytes([0; 32]),
            signature: Signature::from_bytes([0; 64]),
            limits: UnitLimits::default(),
            preset: Preset::Default100,
            description: String::new(),
            weight: 100,
            byte_price: None,
            keep_proofs: KeepProofs::All,
        };
        let project = |name: &str, state, units| Project {
            name: std::str::FromStr::from_str(name).expect("a name"),
            spec: spec.clone(),
            state,
            weight: spec.weight,
            units,
            proven_steps: 1_234_567,
            proofs: ProofCounts { files: 3, bytes: 4_000_000, thinned: 2 },
            created_at: Timestamp(0),
        };
        let counts = UnitCounts { queued: 5, leased: 2, proved: 12, failed: 1, suspect: 1, ..UnitCounts::default() };
        let projects = [
            project("primes", ProjectState::Active, counts),
            project("a-long-name", ProjectState::Withdrawn, UnitCounts { withdrawn: 100, ..UnitCounts::default() }),
        ];
        let mut out = Vec::new();
        Format::default().write(&sheet(&projects), &mut out).expect("a Vec takes everything");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"), @r"
        project      state      units  queued  leased  executed  proved  collected  failed  withdrawn  suspect  proven_steps  proofs  thinned
        primes       active        20       5       2         0      12          0       1          0        1       1234567       3        2
        a-long-name  withdrawn    100       0       0         0       0          0       0        100        0       1234567       3        2
        ");
    }
}
