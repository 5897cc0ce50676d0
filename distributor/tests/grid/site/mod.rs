//! The site: every page by its links, what it shows, and what hostile texts do to it.

mod cost;
mod hostile;
mod owner;
mod page;
mod shown;
mod walk;

use crate::harness::{Grid, primes};
use crate::raw::{Answer, send};
use page::Page;
use protocol::{DonorProfile, ProjectPage, Topic};

/// Asks for a page as a browser does.
pub async fn browse(grid: &Grid, target: &str) -> Answer {
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: grid.example\r\naccept: text/html,application/xhtml+xml\r\nconnection: close\r\n\r\n"
    );
    send(grid, request.as_bytes()).await.unwrap()
}

/// A page that is there.
pub async fn page(grid: &Grid, target: &str) -> Page {
    let answer = browse(grid, target).await;
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    Page::read(&answer)
}

/// A donor says what it is called.
pub async fn call(grid: &Grid, number: u8, nickname: Option<&str>, team: Option<&str>) {
    let profile = DonorProfile {
        nickname: nickname.map(|name| name.parse().unwrap()),
        team: team.map(|name| name.parse().unwrap()),
    };
    let donor = grid.donor(number);
    assert_eq!(donor.0.set_profile(&profile).await.unwrap(), profile);
    assert_eq!(donor.0.profile().await.unwrap(), profile);
}

/// A grid in which a bit of everything is: three donors, two teams, a project with an open page, and one without.
pub async fn furnished() -> Grid {
    let grid = Grid::start().await;
    let ids = grid.push(5).await;
    grid.push_as(&"quiet".parse().unwrap(), 1).await;
    let page = ProjectPage {
        about: "## Why\n\nSevens *matter*; see [the paper](https://example.org/paper).".to_owned(),
        cause: Some(Topic::Mathematics),
        cite: "The Sevens, 2026.".to_owned(),
        plot: Some("histogram:0".parse().unwrap()),
        open_results: true,
    };
    grid.uploader().put_page(&primes(), &page).await.unwrap();
    call(&grid, 1, Some("Anna"), Some("Team One")).await;
    call(&grid, 2, Some("anna"), Some("Team One")).await;
    for (number, index) in [(1, 0), (1, 1), (2, 2), (3, 3)] {
        let donor = grid.donor(number);
        donor.submit(&ids[index], None, donor.proof(index as u64)).await.unwrap();
    }
    grid
}
