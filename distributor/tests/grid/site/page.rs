//! A page, read by a parser as strict as a browser's console, and looked at for what must never be in it.

use crate::raw::Answer;
use html5ever::tendril::TendrilSink as _;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use std::collections::HashSet;

/// An element with its attributes.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// All text in it.
    pub text: String,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A page.
#[derive(Debug)]
pub struct Page {
    pub elements: Vec<Element>,
    pub source: String,
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => node.children.borrow().iter().map(text_of).collect(),
    }
}

fn collect(node: &Handle, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow().iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
        elements.push(Element { name: name.local.to_string(), attributes, text: text_of(node) });
    }
    node.children.borrow().iter().for_each(|child| collect(child, elements));
}

impl Page {
    /// Reads an answer, and checks what holds for every page.
    pub fn read(answer: &Answer) -> Self {
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = answer.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "style-src 'self'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        // Pages that compute in the browser compile WebAssembly, and no other page may.
        let computes = answer.body.contains("web/");
        let rest = if computes { policy.replace("'wasm-unsafe-eval'", "") } else { policy.to_owned() };
        assert!(!rest.contains("unsafe") && !rest.contains('*'), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let tokenizer = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
        let options = ParseOpts { tokenizer, ..ParseOpts::default() };
        let dom = parse_document(RcDom::default(), options).one(answer.body.as_str());
        assert!(dom.errors.borrow().is_empty(), "{:?} in\n{}", dom.errors.borrow(), answer.body);
        let mut elements = Vec::new();
        collect(&dom.document, &mut elements);
        let page = Self { elements, source: answer.body.clone() };
        page.check();
        page
    }

    pub fn all(&self, name: &str) -> Vec<&Element> {
        self.elements.iter().filter(|element| element.name == name).collect()
    }

    pub fn text(&self) -> &str {
        &self.all("main")[0].text
    }

    /// What a link with this text leads to.
    pub fn link(&self, text: &str) -> &str {
        let link = self.all("a").into_iter().find(|link| link.text == text);
        link.and_then(|link| link.get("href")).unwrap_or_else(|| panic!("no link {text} in {}", self.source))
    }

    fn check(&self) {
        for (name, count) in [
            ("h1", 1),
            ("main", 1),
            ("title", 1 + self.all("svg").len() + self.all("rect").len() + self.all("circle").len()),
        ] {
            assert_eq!(self.all(name).len(), count, "{name} in {}", self.source);
        }
        assert_eq!(self.all("html")[0].get("lang"), Some("en"));
        let ids: Vec<_> = self.elements.iter().filter_map(|element| element.get("id")).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an id stands twice: {ids:?}");
        for element in &self.elements {
            self.check_element(element, &ids);
        }
    }

    fn check_element(&self, element: &Element, ids: &[&str]) {
        let allowed =
            !["style", "iframe", "object", "embed", "base", "img", "frame", "applet"].contains(&element.name.as_str());
        assert!(allowed, "{element:?}");
        assert!(element.name != "script" || (element.get("src").is_some() && element.text.is_empty()), "{element:?}");
        for (name, value) in &element.attributes {
            assert!(name != "style" && !name.starts_with("on"), "{element:?}");
            if ["aria-labelledby", "aria-describedby", "for"].contains(&name.as_str()) {
                assert!(value.split(' ').all(|id| ids.contains(&id)), "{element:?}");
            }
            if ["href", "src", "action"].contains(&name.as_str()) && element.get("rel") != Some("nofollow ugc noopener")
            {
                assert!(
                    !value.contains("//") && !value.contains("javascript:") && !value.starts_with('/'),
                    "{element:?}"
                );
            }
        }
        if element.name == "svg" {
            assert_eq!(element.get("role"), Some("img"));
        }
        if element.name == "input" && element.get("type") != Some("hidden") {
            let id = element.get("id").unwrap();
            assert!(self.all("label").iter().any(|label| label.get("for") == Some(id)), "{element:?}");
        }
    }
}
