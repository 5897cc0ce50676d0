//! What strangers write does nothing but show.

use super::{browse, furnished, page};
use crate::harness::{Grid, primes, signer, spec};
use crate::raw::{send, send_signed, sign};
use crate::site::page::Page;
use distributor::clock::Clock as _;
use protocol::{Plot, ProjectPage, routes};

const MARKUP: &str =
    "</p></main><script src=//evil.example/x.js></script><img src=x onerror=alert(1)><b>\" onclick='alert(1)' & &lt;";
const BIDI: &str = "safe\u{202e}txet\u{2066}\u{200b}\u{feff}\u{1b}[31m";

#[tokio::test]
async fn descriptions_and_pages_of_owners_are_harmless() {
    let grid = furnished().await;
    for text in [MARKUP, BIDI, &"w".repeat(2000), &"\u{301}".repeat(2000)] {
        let name = primes();
        let mut said = spec(&name, b"the compiled program");
        said.description = text.to_owned();
        grid.uploader().put_project(&name, &said.signed(&name, &signer())).await.unwrap();
        for target in ["/", "/projects", "/projects/primes"] {
            let page = page(&grid, target).await;
            for hidden in ['\u{202e}', '\u{2066}', '\u{1b}', '\u{200b}'] {
                assert!(!page.source.contains(hidden), "{target}");
            }
            assert!(page.all("b").is_empty() && page.all("img").is_empty(), "{target}");
        }
    }
    let text = page(&grid, "/projects/primes").await;
    assert!(text.source.len() < 200_000);
    let hostile = ProjectPage {
        about: format!(
            "{MARKUP}\n\n# {MARKUP}\n\n![pixel](https://evil.example/p.png) [x](javascript:alert(1))\n\n> {MARKUP}\n\n{}",
            "* x\n".repeat(3000)
        ),
        cite: MARKUP.to_owned(),
        plot: Some(Plot { label: MARKUP[..80].to_owned(), ..Plot::clone(&"histogram:0".parse().unwrap()) }),
        ..ProjectPage::default()
    };
    grid.uploader().put_page(&primes(), &hostile).await.unwrap();
    let page = page(&grid, "/projects/primes").await;
    assert!(page.all("img").is_empty() && page.all("b").is_empty());
    assert!(!page.source.contains("evil.example/p.png"), "no image, not even its address");
    assert!(page.all("script").iter().all(|script| script.get("src") == Some("../assets/site.js")));
    // What hides is not even taken.
    let hides = ProjectPage { about: BIDI.to_owned(), ..ProjectPage::default() };
    assert!(grid.uploader().put_page(&primes(), &hides).await.is_err());
}

#[tokio::test]
async fn names_that_hide_or_mark_up_are_refused() {
    let grid = Grid::start().await;
    let huge = "x".repeat(10_000);
    for name in [MARKUP, BIDI, "<b>bold</b>", &huge, "p\u{430}ypal", "a\u{0}b", ""] {
        for field in ["nickname", "team"] {
            let body = serde_json::json!({ field: name }).to_string();
            let signed = sign(1, "PUT", routes::PROFILE, body.as_bytes(), grid.clock.now());
            let answer = send_signed(&grid, "PUT", routes::PROFILE, body.as_bytes(), &signed).await;
            assert_eq!((answer.status, answer.cause().as_str()), (400, "bad_request"), "{name}: {answer:?}");
            assert!(!answer.body.contains('\u{202e}') && answer.body.len() < 2000, "{answer:?}");
        }
    }
    assert!(!page(&grid, "/leaderboard").await.source.contains("evil"));
}

#[tokio::test]
async fn addresses_and_headers_are_shown_as_what_they_are() {
    let grid = furnished().await;
    let encoded = "%3Cscript%3Ealert(1)%3C/script%3E%22%20onfocus=alert(1)%E2%80%AE";
    for target in [
        format!("/donors?called={encoded}"),
        format!("/donors?called={}", "x".repeat(5000)),
        format!("/nothing/{encoded}"),
    ] {
        let page = Page::read(&browse(&grid, &target).await);
        assert!(!page.source.contains('\u{202e}') && page.source.len() < 10_000, "{target}");
        assert!(page.all("script").len() == 1, "{target}");
    }
    let host = "x\"><script>alert(1)</script>";
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    if let Some(answer) = send(&grid, request.as_bytes()).await.filter(|answer| answer.status == 200) {
        assert!(Page::read(&answer).text().contains("--server http://HOST"));
    }
}
