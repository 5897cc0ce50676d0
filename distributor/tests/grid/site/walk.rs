//! Every page that a link leads to.

use super::{browse, furnished};
use crate::site::page::Page;
use std::collections::{BTreeSet, VecDeque};

/// Where a link leads, from a page's address.
fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<_> = from.split(['?', '#']).next().unwrap().split('/').skip(1).collect();
    parts.pop();
    let (path, query) = link.split_once('?').map_or((link, String::new()), |(path, query)| (path, format!("?{query}")));
    for part in path.split('/') {
        match part {
            ".." => assert!(parts.pop().is_some(), "{link} on {from} leads out of the site"),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    format!("/{}{query}", parts.join("/"))
}

#[test]
fn links_are_resolved_as_browsers_do() {
    for (from, link, to) in [
        ("/", "./", "/"),
        ("/", "projects", "/projects"),
        ("/projects/x", "../donors/k", "/donors/k"),
        ("/projects/x", "../", "/"),
        ("/donors/k/certificate", "../../assets/site.css", "/assets/site.css"),
        ("/leaderboard?by=day", "leaderboard?by=month", "/leaderboard?by=month"),
    ] {
        assert_eq!(resolve(from, link), to);
    }
}

#[tokio::test]
async fn every_link_leads_somewhere_and_every_page_is_in_order() {
    let grid = furnished().await;
    let (mut seen, mut next) = (BTreeSet::new(), VecDeque::from(["/".to_owned()]));
    let mut pages = 0;
    while let Some(target) = next.pop_front() {
        if !seen.insert(target.clone()) {
            continue;
        }
        let answer = browse(&grid, &target).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        let kind = answer.header("content-type").unwrap().to_owned();
        if !kind.starts_with("text/html") {
            continue;
        }
        pages += 1;
        let page = Page::read(&answer);
        for element in &page.elements {
            let link = ["href", "src", "action"].iter().find_map(|name| element.get(name));
            // What a form sends, it does not send by being looked at.
            let link = link.filter(|_| element.get("method") != Some("post"));
            let Some(link) = link.filter(|link| !link.starts_with('#') && !link.starts_with("https://")) else {
                continue;
            };
            next.push_back(resolve(&target, link));
        }
    }
    assert!(pages >= 15 && seen.len() > pages + 4, "{pages} pages: {seen:?}");
    for target in [
        "/projects/primes",
        "/projects/quiet",
        "/leaderboard?by=day",
        "/teams/1",
        "/docs",
        "/assets/site.js",
        "/donors",
    ] {
        assert!(seen.contains(target), "{target}: {seen:?}");
    }
    assert!(seen.iter().any(|target| target.ends_with("/certificate")));
    assert!(seen.iter().any(|target| target.starts_with("/v1/proofs/")), "an open proof can be fetched");
}

#[tokio::test]
async fn an_empty_grid_has_pages_too() {
    let grid = crate::harness::Grid::start().await;
    for target in ["/", "/projects", "/leaderboard?by=day", "/teams", "/donors?called=nobody", "/docs"] {
        super::page(&grid, target).await;
    }
}

#[tokio::test]
async fn refusals_are_pages_for_browsers_and_documents_for_programs() {
    let grid = crate::harness::Grid::start().await;
    for (target, status) in [
        ("/projects/nothing", 404),
        ("/projects/NOTHING", 400),
        ("/nothing/at/all", 404),
        ("/teams/7", 404),
        ("/teams/x", 400),
        (&format!("/donors/{}", "ab".repeat(32)), 404),
        ("/leaderboard?by=hour", 400),
        ("/projects?after=%3Cscript%3E", 400),
    ] {
        let answer = browse(&grid, target).await;
        assert_eq!(answer.status, status, "{target}");
        let page = Page::read(&answer);
        let way = resolve(target, page.link("To the first page"));
        assert_eq!(way, "/", "{target}");
        assert!(page.text().contains(answer.header("x-request-id").unwrap()), "{target}");
        let answer = crate::raw::get(&grid, target).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/problem+json")));
    }
    // Below /v1 there are programs only.
    assert_eq!(browse(&grid, "/v1/nothing").await.header("content-type"), Some("application/problem+json"));
}
