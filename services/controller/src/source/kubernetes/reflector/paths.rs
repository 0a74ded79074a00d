//! What a reflector asks for.

use super::{PAGE, Reflector, WATCH_SECONDS};

impl Reflector {
    fn query(&self) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let own = Some(self.api.fields).filter(|fields| !fields.is_empty());
        let fields: Vec<&str> = own.into_iter().chain(self.selection.fields.as_deref()).collect();
        if !fields.is_empty() {
            query.append_pair("fieldSelector", &fields.join(","));
        }
        if let Some(labels) = &self.selection.labels {
            query.append_pair("labelSelector", labels);
        }
        query
    }

    pub(super) fn watch_path(&self, version: Option<&str>) -> String {
        let mut query = self.query();
        query.append_pair("watch", "true");
        query.append_pair("allowWatchBookmarks", "true");
        query.append_pair("timeoutSeconds", &WATCH_SECONDS.to_string());
        match version {
            Some(version) => query.append_pair("resourceVersion", version),
            None => query.append_pair("sendInitialEvents", "true").append_pair("resourceVersionMatch", "NotOlderThan"),
        };
        self.path(query)
    }

    pub(super) fn list_path(&self, more: &str) -> String {
        let mut query = self.query();
        query.append_pair("limit", &PAGE.to_string());
        if !more.is_empty() {
            query.append_pair("continue", more);
        }
        self.path(query)
    }

    fn path(&self, mut query: form_urlencoded::Serializer<'static, String>) -> String {
        format!("{}?{}", self.api.path(self.selection.namespace.as_deref()), query.finish())
    }
}
