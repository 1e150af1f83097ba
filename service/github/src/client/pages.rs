//! Lists of GitHub, page by page, asked for by what is known: a page that is as it was costs nothing of the limits.

use super::error::GitHubError;
use super::transport::Identity;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Larger answers are asked for anew each time.
const LARGEST: usize = 512 * 1024;
/// Nobody has more pages than this.
const MOST_PAGES: usize = 50;

/// Pages as they were last time, by their path; what is kept is what is read of them.
#[derive(Default)]
pub(crate) struct Pages(Mutex<HashMap<String, Page>>);

#[derive(Clone)]
struct Page {
    etag: String,
    text: String,
    next: Option<String>,
}

/// What a list is read to.
pub(crate) enum More {
    /// Its next page, too.
    Yes,
    /// This is enough.
    No,
}

impl Identity {
    /// All items of a list, or as many as `more` asks for after each page. `path` is relative and has its first query:
    /// octocrab sends no authorization to the absolute address of the next page.
    pub(crate) async fn list<T: DeserializeOwned + Serialize>(
        &self,
        pages: &Pages,
        path: &str,
        what: &str,
        more: impl Fn(&[T]) -> More,
    ) -> Result<Vec<T>, GitHubError> {
        let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
        for _ in 0..MOST_PAGES {
            let Some(page) = next.take() else { break };
            let (items, after) = self.page::<T>(pages, &page, what).await?;
            let enough = matches!(more(&items), More::No);
            all.extend(items);
            if !enough {
                let place = path.split('?').next().unwrap_or(path);
                next = after.map(|query| format!("{place}?{query}"));
            }
        }
        Ok(all)
    }

    async fn page<T: DeserializeOwned + Serialize>(
        &self,
        pages: &Pages,
        path: &str,
        what: &str,
    ) -> Result<(Vec<T>, Option<String>), GitHubError> {
        let unreadable = |error: serde_json::Error| {
            GitHubError::unreachable(format!("its answer about {what} is unreadable: {error}"))
        };
        let known = pages.lock().get(path).cloned();
        let etag = known.as_ref().map(|page| page.etag.as_str());
        let (status, headers, text) = self.get_whole(path, etag, what).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (status, known) {
            let items = serde_json::from_str(&known.text).map_err(unreadable)?;
            return Ok((items, known.next));
        }
        let items: Vec<T> = serde_json::from_str(&text).map_err(unreadable)?;
        let next = next_query(&headers);
        let etag = headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        let text = serde_json::to_string(&items).unwrap_or_default();
        match etag {
            Some(etag) if text.len() <= LARGEST => {
                let page = Page {
                    etag: etag.to_owned(),
                    text,
                    next: next.clone(),
                };
                pages.lock().insert(path.to_owned(), page);
            }
            _ => drop(pages.lock().remove(path)),
        }
        Ok((items, next))
    }
}

impl Pages {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The query of the page behind `rel="next"`.
fn next_query(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = next.split('<').nth(1)?.split('>').next()?;
    Some(address.split_once('?')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_its_query() {
        let of = |link: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, link.parse().unwrap());
            next_query(&headers)
        };
        let link = "<https://x/a?per_page=2&cursor=v1_12>; rel=\"next\", <https://x/a?per_page=2>; rel=\"first\"";
        assert_eq!(of(link).as_deref(), Some("per_page=2&cursor=v1_12"));
        assert_eq!(of("<https://x/a?page=1>; rel=\"prev\""), None);
        assert_eq!(of("nonsense"), None);
    }
}
