//! Markdown of strangers as HTML.
//!
//! Nothing is filtered afterwards: the text is read into events, and each kind of event that is allowed is written by
//! hand, everything else as text. So there is no HTML, no image and no address but of the web and of mail in what comes
//! out, whatever went in.

use maud::{Markup, PreEscaped, Render as _, html};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Most events that are written; what comes after is left out.
const MOST_EVENTS: usize = 20_000;

/// Deepest nesting that is written.
const DEEPEST: usize = 24;

/// Text as HTML.
pub fn render(text: &str) -> Markup {
    let mut out = Writer { html: String::with_capacity(text.len() * 2), open: Vec::new(), hidden: 0, heads: false };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).take(MOST_EVENTS) {
        out.event(event);
    }
    // A text that was cut leaves some open.
    while let Some(end) = out.open.pop() {
        out.html.push_str(end);
    }
    PreEscaped(out.html)
}

/// An address that a link may have.
fn address(link: &str) -> Option<&str> {
    let lower = link.get(..8).unwrap_or(link).to_ascii_lowercase();
    let known = ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme));
    (known && link.chars().all(|c| !c.is_control() && !c.is_whitespace())).then_some(link)
}

struct Writer {
    html: String,
    /// What is to be written to end what is open.
    open: Vec<&'static str>,
    /// How many open tags are too deep to be written.
    hidden: usize,
    /// Whether cells are in the head of a table.
    heads: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) if self.open.len() >= DEEPEST => {
                let _ = tag;
                self.hidden += 1;
            }
            Event::Start(tag) => self.start(&tag),
            Event::End(_) if self.hidden > 0 => self.hidden -= 1,
            Event::End(end) => {
                if end == TagEnd::TableHead {
                    self.heads = false;
                }
                if let Some(end) = self.open.pop() {
                    self.html.push_str(end);
                }
            }
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            // HTML is shown as what was written.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.text(&text),
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn text(&mut self, text: &str) {
        text.render_to(&mut self.html);
    }

    fn begin(&mut self, begin: &str, end: &'static str) {
        self.html.push_str(begin);
        self.open.push(end);
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => self.begin("<p>", "</p>\n"),
            // The page has its own first and second headings.
            Tag::Heading { level: HeadingLevel::H1, .. } => self.begin("<h3>", "</h3>\n"),
            Tag::Heading { level: HeadingLevel::H2, .. } => self.begin("<h4>", "</h4>\n"),
            Tag::Heading { .. } => self.begin("<h5>", "</h5>\n"),
            Tag::BlockQuote(_) => self.begin("<blockquote>", "</blockquote>\n"),
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => {
                self.begin("<pre tabindex=\"0\"><code>", "</code></pre>\n");
            }
            Tag::List(None) => self.begin("<ul>", "</ul>\n"),
            Tag::List(Some(1)) => self.begin("<ol>", "</ol>\n"),
            Tag::List(Some(first)) => {
                // Browsers have 31 bits for it.
                let first = (*first).min(i32::MAX as u64);
                self.begin(&format!("<ol start=\"{first}\">"), "</ol>\n");
            }
            Tag::Item => self.begin("<li>", "</li>\n"),
            Tag::Emphasis => self.begin("<em>", "</em>"),
            Tag::Strong => self.begin("<strong>", "</strong>"),
            Tag::Strikethrough => self.begin("<del>", "</del>"),
            Tag::Table(_) => self.begin(
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>",
                "</tbody></table></div>\n",
            ),
            Tag::TableHead => {
                self.heads = true;
                self.begin("<thead><tr>", "</tr></thead><tbody>\n");
            }
            Tag::TableRow => self.begin("<tr>", "</tr>\n"),
            Tag::TableCell if self.heads => self.begin("<th>", "</th>"),
            Tag::TableCell => self.begin("<td>", "</td>"),
            Tag::Link { dest_url, .. } => match address(dest_url) {
                Some(address) => {
                    let begin = html! { (PreEscaped("<a rel=\"nofollow ugc noopener\" href=\"")) (address) (PreEscaped("\">")) };
                    self.begin(&begin.0, "</a>");
                }
                None => self.begin("", ""),
            },
            // An image would tell its host who looks: its text stands there instead.
            Tag::Image { .. } => self.begin("<span class=\"image\">", "</span>"),
            Tag::HtmlBlock => self.begin("<p>", "</p>\n"),
            _ => self.begin("", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        render(text).0
    }

    #[test]
    fn markdown_is_written_as_html() {
        let html = rendered(
            "# Title\n\nSome *text* with `code` and [a link](https://example.org/?a=1&b=2).\n\n* one\n* two\n\n3. three\n",
        );
        assert_eq!(
            html,
            "<h3>Title</h3>\n<p>Some <em>text</em> with <code>code</code> and \
             <a rel=\"nofollow ugc noopener\" href=\"https://example.org/?a=1&amp;b=2\">a link</a>.</p>\n\
             <ul><li>one</li>\n<li>two</li>\n</ul>\n<ol start=\"3\"><li>three</li>\n</ol>\n"
        );
        let table = rendered("| a | b |\n|---|---|\n| 1 | 2 |\n");
        assert!(
            table.contains("<thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>"),
            "{table}"
        );
    }

    #[test]
    fn neither_html_nor_scripts_nor_images_come_out() {
        for hostile in [
            "<script>alert(1)</script>",
            "text <b onclick=alert(1)>bold</b>",
            "<img src=x onerror=alert(1)>",
            "<!-- comment --><iframe src='https://evil.example'></iframe>",
            "![image](https://evil.example/pixel.png)",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:x)",
            "[x](//evil.example)",
            "[x](/v1/projects)",
            "<javascript:alert(1)>",
            "[x](https://a\"onmouseover=\"alert(1))",
            "[x]: javascript:alert(1)\n\n[x]",
            "```\"><script>alert(1)</script>\nx\n```",
            "<svg/onload=alert(1)>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ] {
            let html = rendered(hostile).to_lowercase();
            for bad in [
                "<script",
                "<img",
                "<iframe",
                "<svg",
                "<b ",
                "href=\"javascript",
                "href=\"data",
                "href=\"vbscript",
                "href=\"/",
                "<!--",
            ] {
                assert!(!html.contains(bad), "{hostile}: {html}");
            }
            assert!(!html.contains("\"onmouseover"), "{hostile}: {html}");
        }
        assert_eq!(
            rendered("![a *picture*](https://e.example/x.png)"),
            "<p><span class=\"image\">a <em>picture</em></span></p>\n"
        );
    }

    #[test]
    fn what_is_deep_or_long_costs_no_more_than_its_length() {
        for text in [
            ">".repeat(20_000),
            "* ".repeat(10_000),
            "[".repeat(20_000),
            "*a ".repeat(6000),
            "<a>".repeat(6000),
            "`".repeat(20_000),
        ] {
            let html = rendered(&text);
            assert!(html.len() < 20 * text.len() + 1000, "{} of {}", html.len(), text.len());
            assert!(html.matches("<blockquote>").count() <= DEEPEST);
        }
    }
}
