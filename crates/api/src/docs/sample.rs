//! Samples of JSON, made from schemas and the examples in them.

use serde_json::{Map, Value};

/// Deeper schemas are cut off: one that holds itself would never end.
const DEEPEST: usize = 8;

/// Schemas by their names.
pub(super) struct Components<'a> {
    schemas: Option<&'a Map<String, Value>>,
}

impl<'a> Components<'a> {
    pub(super) fn of(document: &'a Value) -> Self {
        Self { schemas: document["components"]["schemas"].as_object() }
    }

    /// What a reference refers to; of alternatives, the one that is not `null`; of parts, all their properties.
    pub(super) fn resolve(&self, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.schemas.and_then(|schemas| schemas.get(name)).map_or(Value::Null, |found| self.resolve(found));
        }
        if let Some(chosen) = chosen(schema) {
            return self.resolve(chosen);
        }
        let Some(parts) = schema["allOf"].as_array() else { return schema.clone() };
        let mut properties = Map::new();
        let mut required = Vec::new();
        for part in parts.iter().map(|part| self.resolve(part)) {
            properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
            required.extend(part["required"].as_array().cloned().unwrap_or_default());
        }
        serde_json::json!({ "properties": properties, "required": required })
    }

    /// All that have names, by their names.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.schemas.into_iter().flatten()
    }

    /// What is said about a field, which may stand at the one alternative that is not `null`.
    pub(super) fn description<'v>(&self, field: &'v Value) -> &'v str {
        let said = field["description"].as_str();
        said.or_else(|| chosen(field)?["description"].as_str()).unwrap_or_default()
    }

    /// What a value of this schema is called, in HTML: an object that has a name leads to it.
    pub(super) fn kind(&self, schema: &Value) -> String {
        if let Some(path) = schema["$ref"].as_str() {
            let name = path.rsplit('/').next().unwrap_or_default();
            return format!("<a href=\"#object-{name}\">{name}</a>");
        }
        if let Some(chosen) = chosen(schema) {
            return format!("{} or null", self.kind(chosen));
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => format!("list of {}", self.kind(&schema["items"])),
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => {
                let is_list = |kind: &&str| *kind == "array";
                let named = |kind: &str| {
                    if is_list(&kind) { format!("list of {}", self.kind(&schema["items"])) } else { kind.to_owned() }
                };
                kinds.iter().filter_map(Value::as_str).map(named).collect::<Vec<_>>().join(" or ")
            }
            _ => "any".to_owned(),
        }
    }
}

fn chosen(schema: &Value) -> Option<&Value> {
    let alternatives = schema["oneOf"].as_array()?;
    alternatives.iter().find(|alternative| alternative["type"] != "null")
}

/// A value that fits a schema.
pub(super) fn sample(schema: &Value, components: &Components<'_>) -> Value {
    made(schema, components, 0)
}

fn made(schema: &Value, components: &Components<'_>, depth: usize) -> Value {
    let resolved;
    let schema = match schema.get("example") {
        Some(_) => schema,
        None => {
            resolved = components.resolve(schema);
            &resolved
        }
    };
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(properties) = schema["properties"].as_object() {
        return properties.iter().map(|(name, field)| (name.clone(), made(field, components, depth + 1))).collect();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        other => other.as_str(),
    };
    match (kind, schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => "2026-01-31T09:30:00.000Z".into(),
        (Some("string"), _) => "…".into(),
        (Some("boolean"), _) => false.into(),
        (Some("integer" | "number"), _) => 0.into(),
        (Some("array"), _) => Value::Array(vec![made(&schema["items"], components, depth + 1)]),
        (Some("object"), _) => Value::Object(Map::new()),
        _ => Value::Null,
    }
}
