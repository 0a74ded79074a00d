//! Bodies of 2.0 that are forms: each field of one is a parameter.

use serde_json::{Map, Value, json};

use super::content::{BodyView, ContentView, Contents, OF_REQUEST};
use super::style::Style;
use super::upload;
use crate::document::{Version, form_media_types, is_urlencoded, text};
use crate::markdown::Html;
use crate::reference::budget::{Budget, is_within, short};
use crate::reference::example;
use crate::reference::schema::Schemas;

/// The largest field of a form.
const MAX_FIELD: usize = 20_000;

impl Contents<'_, '_> {
    /// The form of an operation with these parameters; nothing where none of them is a field of one.
    pub(super) fn fields(&self, operation: &Value, parameters: &[&Value]) -> Option<BodyView> {
        let fields = parameters.iter().copied().filter(|parameter| text(parameter, "in") == Some("formData"));
        let fields: Vec<_> = fields.filter(|field| is_within(field, MAX_FIELD)).collect();
        if fields.is_empty() {
            return None;
        }
        let named: Map<String, Value> =
            fields.iter().filter_map(|field| Some((text(field, "name")?.to_owned(), (*field).clone()))).collect();
        let is_required = |field: &&&Value| field.get("required") == Some(&Value::Bool(true));
        let needed: Vec<_> = fields.iter().filter(is_required).map(|field| &field["name"]).collect();
        let schema = json!({ "type": "object", "properties": named, "required": needed });
        let budget = self.schemas.budget;
        let content = |media: String| {
            budget.part([]);
            let example = if is_urlencoded(&media) { written(&schema, &fields, budget) } else { None };
            ContentView {
                schema: Schemas::new(&schema, "", self.schemas.texts, budget).view(&schema),
                example: example.and_then(|example| budget.example(example, OF_REQUEST)),
                parts: upload::parts(&schema, &media, Some(&schema)),
                media: short(&media),
            }
        };
        let (contents, more) = budget.each(form_media_types(self.root, operation, &fields), content);
        Some(BodyView { required: !needed.is_empty(), description: Html::default(), contents, more })
    }
}

/// The fields with values, as a body has them: lists as their `collectionFormat` says.
fn written(schema: &Value, fields: &[&Value], budget: &Budget) -> Option<String> {
    let made = example::of_schema(schema, schema, true, budget)?;
    let field = |field: &&Value| Some(Style::of(Version::V2, field)?.written(made.get(text(field, "name")?)?));
    let pairs: Vec<_> = fields.iter().filter_map(field).filter(|pair| !pair.is_empty()).collect();
    Some(pairs.join("&"))
}
