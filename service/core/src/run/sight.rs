//! Up to where a run sees its data, and as of when it did.

use super::Run;
use crate::span::{AsOf, Sight};
use serde_json::Value;

impl Run {
    /// Up to where this run may look into a data source.
    pub fn sight(&self, source: &str) -> Sight {
        let request = &self.request;
        match request.as_of_spans.get(source) {
            Some(asked) => Sight {
                spans: vec![asked.clone()],
                seen: None,
            },
            None => {
                let waited = request.waited_spans.get(source).into_iter().flatten();
                Sight {
                    spans: request
                        .newest_spans
                        .get(source)
                        .into_iter()
                        .chain(waited)
                        .cloned()
                        .collect(),
                    seen: self.seen.get(source).copied(),
                }
            }
        }
    }

    /// The newest span of a data source that this run saw; of what older binaries recorded, the newest that it read.
    pub fn as_of(&self, source: &str) -> Option<AsOf> {
        self.as_of.get(source).cloned().or_else(|| self.newest_read(source))
    }

    fn newest_read(&self, source: &str) -> Option<AsOf> {
        let inputs = self.steps.values().flat_map(|record| record.inputs.values());
        let of_source = inputs.filter(|input| {
            let named = input.properties.get("source").and_then(Value::as_str);
            input.type_name == "ExternalData" && named == Some(source)
        });
        let spans = of_source.filter_map(|input| input.properties.get("spans")?.as_array());
        let read = spans.flatten().filter_map(|span| {
            let label = span.get("label").and_then(Value::as_str)?.to_owned();
            let span = span.get("span").and_then(Value::as_i64)?;
            Some(AsOf { span, label })
        });
        read.max()
    }
}
