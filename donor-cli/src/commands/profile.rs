//! `donor profile`.

use super::output::{print, say};
use super::{open, runtime, server, settings};
use crate::cli::ProfileArgs;
use crate::exit::{Exit, Failure};
use crate::service::{connect, failure};
use protocol::client::{ClientError, RetryPolicy};
use protocol::{DonorProfile, text};

/// Shows nickname and team of this donor, or changes them.
///
/// # Errors
/// If the distributor does not answer, or refuses.
pub fn profile(arguments: &ProfileArgs) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    let server = server(&arguments.server, &settings(&folder)?)?;
    let retry = RetryPolicy { times: Some(2), ..RetryPolicy::interactive() };
    let client = connect(&server, folder.identity()?, retry).map_err(|error| failure(&error))?;
    let asked = async {
        let profile = client.profile().await?;
        let wanted = changed(&profile, arguments);
        if wanted == profile { Ok::<_, ClientError>(profile) } else { client.set_profile(&wanted).await }
    };
    let profile = runtime()?.block_on(asked).map_err(|error| failure(&error))?;
    let key = client.identity().donor_key();
    if arguments.json {
        let json = serde_json::json!({ "donor": key, "nickname": profile.nickname, "team": profile.team });
        print(format_args!("{}\n", text::json(&json.to_string())))?;
        return Ok(Exit::Done);
    }
    let shown = |name: Option<&str>| name.map_or_else(|| "none".to_owned(), |name| text::printable(name, 200));
    let nickname = shown(profile.nickname.as_ref().map(protocol::Nickname::as_str));
    let team = shown(profile.team.as_ref().map(protocol::TeamName::as_str));
    print(format_args!("key       {key}\nnickname  {nickname}\nteam      {team}\n"))?;
    say(format_args!("what others see: {server}/donors/{key}"));
    Ok(Exit::Done)
}

/// What is not said stays.
fn changed(profile: &DonorProfile, arguments: &ProfileArgs) -> DonorProfile {
    let mut wanted = profile.clone();
    if arguments.no_nickname || arguments.nickname.is_some() {
        wanted.nickname.clone_from(&arguments.nickname);
    }
    if arguments.no_team || arguments.team.is_some() {
        wanted.team.clone_from(&arguments.team);
    }
    wanted
}
