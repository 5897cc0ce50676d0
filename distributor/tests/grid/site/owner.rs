//! Owners sign in, see their queues, and change what visitors are told.

use super::browse;
use super::page::Page;
use crate::harness::{Grid, primes, scopes};
use crate::raw::{Answer, send};
use distributor::clock::Clock as _;
use protocol::{ApiKey, FailureCause, FailureReport, GivenBack, LeaseMode, UnitState};

/// A browser with its cookie.
struct Browser<'a> {
    grid: &'a Grid,
    cookie: String,
}

/// A form as browsers send it.
fn encoded(fields: &[(&str, &str)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let text = |text: &str| {
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join("&")
}

impl<'a> Browser<'a> {
    async fn post(&self, target: &str, more: &str, fields: &[(&str, &str)]) -> Answer {
        let body = encoded(fields);
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\ncookie: {}\r\n{more}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.cookie,
            body.len()
        );
        send(self.grid, format!("{head}{body}").as_bytes()).await.unwrap()
    }

    async fn get(&self, target: &str) -> Answer {
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\ncookie: {}\r\n\r\n",
            self.cookie
        );
        send(self.grid, request.as_bytes()).await.unwrap()
    }

    async fn page(&self, target: &str) -> Page {
        let answer = self.get(target).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        Page::read(&answer)
    }

    async fn sign_in(grid: &'a Grid, key: &ApiKey) -> Self {
        let browser = Self { grid, cookie: String::new() };
        let answer = browser.post("/owner/sign-in", "", &[("key", &key.reveal())]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("../owner")), "{answer:?}");
        let set = answer.header("set-cookie").unwrap();
        assert!(set.ends_with("; HttpOnly; SameSite=Strict") && !set.contains("Path"), "{set}");
        Self { grid, cookie: set.split(';').next().unwrap().to_owned() }
    }
}

/// What every form of a page brings.
fn form_token(page: &Page) -> String {
    let field = page.all("input").into_iter().find(|input| input.get("name") == Some("form_token"));
    field.unwrap().get("value").unwrap().to_owned()
}

/// A donor reports that a unit fails.
async fn fail(grid: &Grid, number: u8, detail: &str) {
    let donor = grid.donor(number);
    grid.trust(&donor).await;
    let lease = donor.lease(LeaseMode::Both).await;
    let failure = FailureReport { cause: FailureCause::Panic, detail: detail.to_owned() };
    let back = GivenBack { units: vec![lease.units[0].id], failure: Some(failure) };
    donor.0.release(&lease.token, Some(&back)).await.unwrap();
}

#[tokio::test]
async fn an_owner_sees_failures_and_retries() {
    let grid = Grid::start_with(crate::harness::Plan {
        settings: distributor::config::Settings { quarantine_after: 1, ..Default::default() },
        ..Default::default()
    })
    .await;
    let ids = grid.push(2).await;
    fail(&grid, 1, "<script>alert(1)</script>\u{202e}").await;
    let browser = Browser::sign_in(&grid, &grid.key).await;
    let home = browser.page("/owner").await;
    assert_eq!(home.link("primes"), "./owner/projects/primes");
    let page = browser.page("/owner/projects/primes").await;
    assert!(page.text().contains("panic on 1 donor: <script>alert(1)</script>\u{fffd}"), "{}", page.text());
    assert!(!page.source.contains('\u{202e}'));
    let failed = ids[if grid.state(&ids[0]).await == UnitState::Failed { 0 } else { 1 }];
    let token = form_token(&page);
    let target = format!("/owner/units/{failed}/retry");
    let answer = browser.post(&target, "", &[("form_token", &token)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("../../projects/primes")), "{answer:?}");
    assert_eq!(grid.state(&failed).await, UnitState::Queued);
    let answer = browser.post(&format!("/owner/units/{failed}/withdraw"), "", &[("form_token", &token)]).await;
    assert_eq!((answer.status, grid.state(&failed).await), (303, UnitState::Withdrawn));
    // Without the token of this session nothing happens, whoever the browser is.
    let other = form_token(&Browser::sign_in(&grid, &grid.key).await.page("/owner").await);
    for wrong in ["", "x", &other] {
        let answer = browser.post(&target, "", &[("form_token", wrong)]).await;
        assert_eq!((answer.status, grid.state(&failed).await), (400, UnitState::Withdrawn), "{answer:?}");
        Page::read(&answer);
    }
}

#[tokio::test]
async fn an_owner_changes_what_visitors_are_told() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let browser = Browser::sign_in(&grid, &grid.key).await;
    let token = form_token(&browser.page("/owner/projects/primes").await);
    let mut fields = vec![
        ("form_token", token.as_str()),
        ("about", "# About\r\n\r\nText & more"),
        ("cause", "physics"),
        ("plot", "line:0:0"),
        ("label", "seven"),
        ("argument_label", "n"),
        ("cite", "Cite"),
        ("open_results", "yes"),
    ];
    let answer = browser.post("/owner/projects/primes/page", "", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("../primes")), "{answer:?}");
    let page = grid.uploader().page(&primes()).await.unwrap();
    assert_eq!((page.about.as_str(), page.open_results), ("# About\n\nText & more", true));
    assert_eq!(page.plot.unwrap().argument_label, "n");
    let shown = browser.page("/owner/projects/primes").await;
    assert!(shown.all("textarea")[0].text.contains("Text & more"));
    assert!(
        shown.all("option").iter().any(|option| option.get("selected").is_some() && option.text.starts_with("Physics"))
    );
    fields[3] = ("plot", "pie:1");
    let answer = browser.post("/owner/projects/primes/page", "", &fields).await;
    assert!(answer.status == 400 && Page::read(&answer).text().contains("histogram:OUTPUT"), "{answer:?}");
    // A key that may not: the form is not there, and what it would send is refused.
    let reader = Browser::sign_in(&grid, &grid.new_key("*", scopes(false, true, false)).await).await;
    let page = reader.page("/owner/projects/primes").await;
    assert!(page.all("textarea").is_empty());
    let token = form_token(&reader.page("/owner").await);
    fields[0] = ("form_token", &token);
    assert_eq!(reader.post("/owner/projects/primes/page", "", &fields).await.status, 403);
    let stranger =
        Browser::sign_in(&grid, &grid.key_of(None, "pri*", scopes(true, true, true), Default::default()).await).await;
    let token = form_token(&stranger.page("/owner").await);
    fields[0] = ("form_token", &token);
    assert_eq!(stranger.post("/owner/projects/primes/page", "", &fields).await.status, 403, "another owner's");
    let elsewhere = Browser::sign_in(&grid, &grid.new_key("other", scopes(true, true, true)).await).await;
    assert_eq!(elsewhere.get("/owner/projects/primes").await.status, 403);
    assert!(elsewhere.page("/owner").await.text().contains("no project that this key reaches"));
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let nobody = Browser { grid: &grid, cookie: "cairn-owner=abc; other=1".to_owned() };
    assert!(nobody.page("/owner").await.text().contains("Sign in as an owner"));
    for (target, to) in [("/owner/projects/primes", "../../owner")] {
        let answer = nobody.get(target).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(to)));
    }
    let answer = nobody.post("/owner/projects/primes/page", "", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("../../../owner")));
    for key in ["", "<script>x", &ApiKey::random().unwrap().reveal()] {
        let answer = nobody.post("/owner/sign-in", "", &[("key", key)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
        let page = Page::read(&answer);
        assert_eq!(page.all("form")[0].get("action"), Some("./sign-in"));
        assert!(key.is_empty() || !page.source.contains(key), "no secret comes back");
    }
    // A page of another site cannot sign anybody in.
    let answer = nobody.post("/owner/sign-in", "sec-fetch-site: cross-site\r\n", &[("key", &grid.key.reveal())]).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (400, None));
    let answer = nobody.post("/owner/sign-in", "x-forwarded-proto: https\r\n", &[("key", &grid.key.reveal())]).await;
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"), "{answer:?}");
}

#[tokio::test]
async fn a_session_ends() {
    let grid = Grid::start().await;
    let key = grid.new_key("*", scopes(true, true, true)).await;
    let (one, two) = (Browser::sign_in(&grid, &key).await, Browser::sign_in(&grid, &key).await);
    let token = form_token(&one.page("/owner").await);
    assert_eq!(one.post("/owner/sign-out", "", &[("form_token", "wrong")]).await.status, 400);
    let answer = one.post("/owner/sign-out", "", &[("form_token", &token)]).await;
    assert!(answer.status == 303 && answer.header("set-cookie").unwrap().contains("Max-Age=0"), "{answer:?}");
    assert!(one.page("/owner").await.text().contains("Sign in as an owner"));
    assert!(two.page("/owner").await.text().contains("Your projects"));
    grid.store.revoke_key(&key.id(), grid.clock.now()).await.unwrap();
    assert!(two.page("/owner").await.text().contains("Sign in as an owner"), "a revoked key is signed out");
    // Nobody tries keys without end.
    let nobody = Browser { grid: &grid, cookie: String::new() };
    let mut refused = 0;
    for _ in 0..30 {
        refused += usize::from(nobody.post("/owner/sign-in", "", &[("key", "x")]).await.status == 429);
    }
    assert!(refused >= 8, "{refused}");
    assert_eq!(browse(&grid, "/").await.status, 200, "the site goes on");
}
