//! What the handlers' types do not say of their values: the enums, formats, patterns and bounds by which the server judges,
//! and which operations answer `409`. Laid over the document, so that what fits it is taken.

mod facets;
mod patterns;

use model::network::Policy;
use model::subscription::Names;
use serde_json::{Map, Value, json};
use web::responses;

use self::facets::CONFLICTS;

/// Lays all of it over the document, and answers what found no place there.
pub(super) fn lay_over(document: &mut Value, policy: &Policy) -> Vec<String> {
    let mut homeless = Vec::new();
    let schemas = &mut document["components"]["schemas"];
    for (place, facets) in facets::of_members(policy) {
        let (schema, member) = place.split_once('.').unwrap_or((place, ""));
        match schemas.get_mut(schema).and_then(|schema| schema["properties"].get_mut(member)) {
            Some(Value::Object(known)) => merge(known, facets),
            _ => homeless.push(place.to_owned()),
        }
    }
    for (schema, whole) in facets::of_schemas() {
        match schemas.get_mut(schema) {
            Some(Value::Object(known)) => merge(known, whole),
            _ => homeless.push(schema.to_owned()),
        }
    }
    for member in facets::ON_CREATE_ONLY {
        let known = schemas["EndpointChange"]["properties"].as_object_mut();
        if known.and_then(|known| known.remove(member)).is_none() {
            homeless.push(format!("EndpointChange.{member}"));
        }
    }
    homeless.extend(over_operations(document));
    homeless
}

fn over_operations(document: &mut Value) -> Vec<String> {
    let mut unused: Vec<&str> = facets::of_parameters().into_iter().map(|(name, _)| name).collect();
    let mut conflicts: Vec<&str> = CONFLICTS.iter().map(|(operation, _)| *operation).collect();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, operations) in paths {
        for (_, operation) in operations.as_object_mut().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap_or_default().to_owned();
                let facets = match parameter["in"].as_str() {
                    Some("path") => facets::of_path(path),
                    _ => facets::of_operation(&id, &name).or_else(|| {
                        facets::of_parameters().into_iter().find(|(known, _)| *known == name).map(|(_, facets)| facets)
                    }),
                };
                unused.retain(|known| *known != name);
                if let (Some(known), Some(facets)) = (parameter["schema"].as_object_mut(), facets) {
                    merge(known, facets);
                }
            }
            conflicts.retain(|known| *known != id);
            say_conflicts(&id, &mut operation["responses"]);
        }
    }
    unused.into_iter().chain(conflicts).map(str::to_owned).collect()
}

/// Adds `409` where an operation has one.
fn say_conflicts(operation: &str, responses: &mut Value) {
    let codes = CONFLICTS.iter().find(|(known, _)| *known == operation).map(|(_, codes)| *codes);
    let told = codes.map(responses::problems).into_iter().flatten();
    for (status, response) in told {
        responses[status] = serde_json::to_value(response).unwrap_or_default();
    }
}

/// Where null is one of the values, it stays one. A facet that is null goes away.
fn merge(known: &mut Map<String, Value>, facets: Value) {
    let is_nullable = known.get("type").and_then(Value::as_array).is_some_and(|types| types.contains(&json!("null")));
    let Value::Object(facets) = facets else { return };
    for (name, mut facet) in facets {
        if facet.is_null() {
            known.remove(&name);
            continue;
        }
        if name == "enum"
            && is_nullable
            && let Value::Array(values) = &mut facet
        {
            values.push(Value::Null);
        }
        known.insert(name, facet);
    }
}

/// The same document for a project whose types may have any names.
pub(super) fn with_names(document: &mut Value, names: Names) {
    if names == Names::Dotted {
        return;
    }
    match document {
        Value::Object(members) => {
            if let Some(Value::String(pattern)) = members.get_mut("pattern") {
                patterns::of_any_names(pattern);
            }
            members.values_mut().for_each(|value| with_names(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| with_names(value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place_in_the_document() {
        let mut document = super::super::described(None);
        assert_eq!(lay_over(&mut document, &Policy::default()), Vec::<String>::new());
    }

    #[test]
    fn only_operations_that_can_conflict_say_so() {
        let document = crate::openapi();
        for (path, operations) in document.as_value()["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                let says = operation["responses"].get("409").is_some();
                assert_eq!(says, CONFLICTS.iter().any(|(known, _)| *known == id), "{method} {path}");
                assert!(!(says && method == "get"), "{path}");
            }
        }
    }
}
