//! Units that were pushed and have no row: which, and what the distributor says of them.

use super::session::Session;
use crate::check_proof::{Refusal, Refused};
use crate::error::Error;
use protocol::client::{ClientError, UnitQuery, UploaderClient};
use protocol::{ExternalId, Failure, MAX_PAGE, ProjectName, Unit, UnitId, UnitState};
use std::collections::{BTreeMap, HashSet};

/// A unit without a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The uploader's name for it.
    pub unit: ExternalId,
    /// Its state, as the distributor says; `None` if it was not sent, because a push was cut off.
    pub state: Option<UnitState>,
    /// Its failure, if it failed.
    pub failure: Option<Failure>,
}

impl Missing {
    /// Whether waiting may bring a result.
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, None | Some(UnitState::Failed | UnitState::Withdrawn))
    }
}

/// Units without a row after everything listed was taken in. A unit that the distributor calls proved and does not list
/// even then, or one that it no longer has, goes to what is not believed.
///
/// # Errors
/// As [`Session::advance`].
pub async fn find_missing(session: &mut Session<'_>) -> Result<Vec<Missing>, Error> {
    let mut wanted = without_row(session);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    // Of what was not pushed from here nothing is kept, however long the list is.
    let names: HashSet<&ExternalId> = wanted.iter().collect();
    let units = all_units(session.client(), &session.settings().record.project, |unit| names.contains(unit)).await?;
    let proved = |unit: &ExternalId| {
        units.get(unit).is_some_and(|unit| matches!(unit.state, UnitState::Proved | UnitState::Collected))
    };
    if wanted.iter().any(proved) && session.refused().is_empty() {
        // It may have been proved after the list was read, or may stand before the cursor.
        session.restart();
        session.advance().await?;
        wanted = without_row(session);
    }
    let refused: HashSet<ExternalId> = session.refused().iter().map(|refused| refused.unit.clone()).collect();
    let (mut missing, mut lies) = (Vec::new(), Vec::new());
    for unit in wanted.into_iter().filter(|unit| !refused.contains(unit)) {
        match units.get(&unit) {
            None if session.settings().record.unsent.contains(&unit) => {
                missing.push(Missing { unit, state: None, failure: None });
            }
            None => lies.push(Refused { unit, reason: Refusal::Forgotten }),
            Some(_) if proved(&unit) => lies.push(Refused { unit, reason: Refusal::Withheld }),
            Some(Unit { state, failure, .. }) => {
                missing.push(Missing { unit, state: Some(*state), failure: failure.clone() })
            }
        }
    }
    session.refuse(lies);
    Ok(missing)
}

fn without_row(session: &Session<'_>) -> Vec<ExternalId> {
    let rows: HashSet<ExternalId> = session.rows().into_iter().map(|row| row.unit).collect();
    let units = session.settings().record.units.iter();
    units.filter(|unit| !rows.contains(&unit.id)).map(|unit| unit.id.clone()).collect()
}

/// Most units of one list: sixteen pushes of the largest size.
const MOST_LISTED: usize = 16_000_000;

/// Most pages of one list. Pages are short where arguments are long, or where the units next in line are in other states.
const MOST_PAGES: usize = 100_000;

/// Goes through the units of a project, of one state if given, or only those that donors say failed, page by page.
///
/// # Errors
/// If the distributor cannot be asked, or its list makes no sense or has no end.
pub async fn each_unit(
    client: &UploaderClient,
    project: &ProjectName,
    state: Option<UnitState>,
    suspect: bool,
    mut take: impl FnMut(Unit),
) -> Result<(), Error> {
    let (mut query, mut listed) = (UnitQuery { state, suspect, ..UnitQuery::first(MAX_PAGE) }, 0);
    let mut before: HashSet<UnitId> = HashSet::new();
    for _ in 0..MOST_PAGES {
        let page = match client.units(project, &query).await {
            // Long arguments.
            Err(ClientError::TooLarge { .. }) if query.limit > 1 => {
                query.limit /= 2;
                continue;
            }
            page => page?,
        };
        listed += page.units.len();
        if page.units.len() > query.limit as usize
            || listed > MOST_LISTED
            || page.units.iter().any(|unit| before.contains(&unit.id))
        {
            break;
        }
        before = page.units.iter().map(|unit| unit.id).collect();
        page.units.into_iter().for_each(&mut take);
        match page.next {
            None => return Ok(()),
            Some(next) if query.cursor.is_none_or(|cursor| next > cursor) => query.cursor = Some(next),
            Some(next) => return Err(Error::BadList { cursor: next, after: query.cursor.unwrap_or(0) }),
        }
    }
    Err(Error::EndlessList { most: MOST_LISTED })
}

/// The units of a project that are wanted, by the uploader's names.
///
/// # Errors
/// As [`each_unit`].
pub async fn all_units(
    client: &UploaderClient,
    project: &ProjectName,
    wanted: impl Fn(&ExternalId) -> bool,
) -> Result<BTreeMap<ExternalId, Unit>, Error> {
    let mut units = BTreeMap::new();
    each_unit(client, project, None, false, |unit| {
        if wanted(&unit.external_id) {
            units.insert(unit.external_id.clone(), unit);
        }
    })
    .await?;
    Ok(units)
}
