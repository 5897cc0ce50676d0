//! The list of projects, which comes in pages.

use super::error::ClientError;
use crate::project::ProjectList;
use crate::routes::{PROJECTS, projects_after};

/// Most pages: a distributor that has more does not mean it well.
const MOST_PAGES: usize = 100;

/// Asks for one page after the other, given the address of each.
pub(super) async fn all(
    withdrawn: bool,
    ask: impl AsyncFn(String) -> Result<ProjectList, ClientError>,
) -> Result<ProjectList, ClientError> {
    let mut all = ProjectList::default();
    for _ in 0..MOST_PAGES {
        let page = ask(projects_after(all.next.as_ref(), withdrawn)).await?;
        all.projects.extend(page.projects);
        let Some(next) = page.next else {
            all.next = None;
            return Ok(all);
        };
        if all.next.as_ref().is_some_and(|last| *last >= next) {
            return Err(endless(format!("the page after `{next}` does not come after the one before it")));
        }
        all.next = Some(next);
    }
    Err(endless(format!("its list of projects has more than {MOST_PAGES} pages")))
}

fn endless(reason: String) -> ClientError {
    ClientError::Answer { address: PROJECTS.to_owned(), reason, status: 200 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn pages_are_followed_to_their_end_and_a_circle_is_noticed() {
        let asked = Cell::new(0);
        let next = |text: &str| Ok(ProjectList { projects: Vec::new(), next: Some(text.parse().unwrap()) });
        let list = all(false, async |target| {
            asked.set(asked.get() + 1);
            match target.as_str() {
                "/v1/projects" => next("b"),
                "/v1/projects?cursor=b" => next("c"),
                _ => Ok(ProjectList::default()),
            }
        });
        assert_eq!((list.await.unwrap(), asked.get()), (ProjectList::default(), 3));
        assert!(matches!(all(false, async |_| next("b")).await, Err(ClientError::Answer { .. })));
        let number = Cell::new(0);
        let rising = all(true, async |_| {
            number.set(number.get() + 1);
            next(&format!("p{:05}", number.get()))
        });
        assert!(matches!(rising.await, Err(ClientError::Answer { .. })));
    }
}
