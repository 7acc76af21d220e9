//! The reference page: the OpenAPI document as HTML, made once, whole in itself.

mod sample;

use std::fmt::Write;

use serde_json::Value;
use web::problem::Code;

use sample::{Components, sample};

/// Where the pieces go is marked with `{{…}}`.
const PAGE: &str = include_str!("docs/page.html");

/// How the server is reached, where it was not told.
const USUAL_SERVER: &str = "http://127.0.0.1:8600";

/// An operation and where it is.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a Value,
}

pub(crate) fn page(document: &Value) -> String {
    let components = Components::of(document);
    let server = document["servers"][0]["url"].as_str().unwrap_or(USUAL_SERVER);
    let (mut nav, mut operations) = (String::new(), String::new());
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        let own: Vec<Operation<'_>> = operations_of(document, name).collect();
        push(&mut nav, format_args!("<h2>{name}</h2><ul>"));
        let about = prose(text(&tag["description"]));
        push(&mut operations, format_args!("<section><h2 id=\"{name}\">{name}</h2>{about}"));
        for operation in own {
            let (id, summary) = (operation.id(), escaped(text(&operation.about["summary"])));
            push(&mut nav, format_args!("<li><a href=\"#{id}\">{summary}</a></li>"));
            operation.write(server, &components, &mut operations);
        }
        nav.push_str("</ul>");
        operations.push_str("</section>");
    }
    let objects = objects(&components);
    let webhook = webhook(document, &components);
    PAGE.replace("{{title}}", &escaped(text(&document["info"]["title"])))
        .replace("{{version}}", &escaped(text(&document["info"]["version"])))
        .replace("{{about}}", &prose(text(&document["info"]["description"])))
        .replace("{{server}}", &escaped(server))
        .replace("{{nav}}", &nav)
        .replace("{{operations}}", &operations)
        .replace("{{webhook}}", &webhook)
        .replace("{{objects}}", &objects)
        .replace("{{problems}}", &problems())
}

fn operations_of<'a>(document: &'a Value, tag: &'a str) -> impl Iterator<Item = Operation<'a>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, about)| Operation { method, path, about })
    });
    operations.filter(move |operation| operation.about["tags"][0] == *tag)
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.about["operationId"])
    }

    fn write(&self, server: &str, components: &Components<'_>, page: &mut String) {
        let Self { method, path, about } = self;
        let (id, summary) = (self.id(), escaped(text(&about["summary"])));
        push(page, format_args!("<article id=\"{id}\"><h3>{summary}</h3>"));
        push(
            page,
            format_args!(
                "<p class=\"route\"><b class=\"{method}\">{}</b> <code>{path}</code></p>",
                method.to_uppercase()
            ),
        );
        page.push_str(&prose(text(&about["description"])));
        write_parameters(self.about, page);
        let body = &about["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            page.push_str("<h4>Body</h4>");
            write_fields(body, components, page);
        }
        push(page, format_args!("<h4>Example</h4><pre>{}</pre>", escaped(&self.curl(server, body, components))));
        page.push_str("<h4>Answers</h4>");
        let (refusals, answers): (Vec<_>, Vec<_>) = responses(about).partition(|(_, response)| is_problem(response));
        for (status, response) in answers {
            write_response(status, response, components, page);
        }
        write_refusals(&refusals, page);
        page.push_str("</article>");
    }

    fn curl(&self, server: &str, body: &Value, components: &Components<'_>) -> String {
        let method = self.method.to_uppercase();
        let verb = if method == "GET" { String::new() } else { format!(" -X {method}") };
        let mut curl = format!("curl{verb} {server}{}", self.path.replace("{id}", "ID").replace("{name}", "NAME"));
        // An operation that needs no key says so with an empty requirement.
        if self.about["security"].is_null() {
            curl.push_str(" \\\n  -H \"Authorization: Bearer $POSTHASTE_API_KEY\"");
        }
        if !body.is_null() {
            let json = serde_json::to_string(&sample(body, components)).unwrap_or_default().replace('\'', "'\\''");
            push(&mut curl, format_args!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{json}'"));
        }
        curl
    }
}

fn responses(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    operation["responses"].as_object().into_iter().flatten()
}

fn is_problem(response: &Value) -> bool {
    response["content"]["application/problem+json"].is_object()
}

fn write_parameters(operation: &Value, page: &mut String) {
    let parameters = list(&operation["parameters"]);
    if parameters.is_empty() {
        return;
    }
    page.push_str("<h4>Parameters</h4><table>");
    for parameter in parameters {
        let (name, place) = (escaped(text(&parameter["name"])), text(&parameter["in"]));
        let about = inline(text(&parameter["description"]));
        push(page, format_args!("<tr><th><code>{name}</code><td>{place}<td>{about}"));
    }
    page.push_str("</table>");
}

/// The codes that the descriptions of these responses name, each with a link to what it means.
fn write_refusals(refusals: &[(&String, &Value)], page: &mut String) {
    let mut codes = Vec::new();
    for (status, response) in refusals {
        let named = text(&response["description"]).split('`').skip(1).step_by(2);
        let linked = named.map(|code| format!("{status}&nbsp;<a href=\"#{code}\"><code>{code}</code></a>"));
        codes.extend(linked);
    }
    if !codes.is_empty() {
        push(page, format_args!("<p class=\"answer\">Problems: {}</p>", codes.join(", ")));
    }
}

fn write_fields(schema: &Value, components: &Components<'_>, page: &mut String) {
    let schema = components.resolve(schema);
    let Some(fields) = schema["properties"].as_object() else { return };
    let required: Vec<&str> = list(&schema["required"]).iter().map(text).collect();
    page.push_str("<table>");
    for (name, field) in fields {
        let kind = components.kind(field);
        let must = if required.contains(&name.as_str()) { " <i>required</i>" } else { "" };
        let about = inline(components.description(field));
        push(page, format_args!("<tr><th><code>{}</code>{must}<td>{kind}<td>{about}", escaped(name)));
    }
    page.push_str("</table>");
}

fn write_response(status: &str, response: &Value, components: &Components<'_>, page: &mut String) {
    let about = inline(text(&response["description"]));
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() || schema["type"] == "object" && schema["properties"].is_null() {
        push(page, format_args!("<p class=\"answer\"><b>{status}</b> {about}</p>"));
        return;
    }
    let json = serde_json::to_string_pretty(&sample(schema, components)).unwrap_or_default();
    push(page, format_args!("<details class=\"answer\"><summary><b>{status}</b> {about}</summary>"));
    write_fields(schema, components, page);
    push(page, format_args!("<pre>{}</pre></details>", escaped(&json)));
}

/// What receivers get.
fn webhook(document: &Value, components: &Components<'_>) -> String {
    let about = &document["webhooks"]["event"]["post"];
    let body = &about["requestBody"]["content"]["application/json"]["schema"];
    let mut page = prose(text(&about["description"]));
    write_parameters(about, &mut page);
    page.push_str("<h4>Body</h4>");
    write_fields(body, components, &mut page);
    page.push_str("<h4>Answers</h4>");
    for (status, response) in responses(about) {
        write_response(status, response, components, &mut page);
    }
    page
}

/// Every object that has a name, at its anchor.
fn objects(components: &Components<'_>) -> String {
    let mut objects = String::new();
    for (name, schema) in components.named() {
        push(&mut objects, format_args!("<article id=\"object-{name}\"><h3>{name}</h3>"));
        objects.push_str(&prose(text(&schema["description"])));
        write_fields(schema, components, &mut objects);
        objects.push_str("</article>");
    }
    objects
}

/// Every code at its anchor: what `type` in a problem points to.
fn problems() -> String {
    let mut problems = String::new();
    for code in Code::ALL {
        let about = code.about();
        let (name, status) = (about.name, about.status.as_u16());
        push(&mut problems, format_args!("<article id=\"{name}\"><h3><code>{name}</code></h3>"));
        push(&mut problems, format_args!("<p class=\"route\"><b>{status}</b> {}</p>", escaped(about.title)));
        push(&mut problems, format_args!("{}</article>", prose(about.help)));
    }
    problems
}

fn push(page: &mut String, piece: std::fmt::Arguments<'_>) {
    page.write_fmt(piece).expect("writing to a string does not fail");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text with `code` in it.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in escaped(text).split('`').enumerate() {
        match index % 2 {
            0 => html.push_str(piece),
            _ => push(&mut html, format_args!("<code>{piece}</code>")),
        }
    }
    html
}

/// Paragraphs.
fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph.trim()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> String {
        page(crate::openapi().as_value())
    }

    #[test]
    fn every_operation_and_every_problem_has_its_place() {
        let page = reference();
        let document = crate::openapi().as_value().clone();
        for methods in document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("<article id=\"{id}\">")), "{id}");
            }
        }
        for code in Code::ALL {
            assert!(page.contains(&format!("<article id=\"{}\">", code.name())), "{}", code.name());
        }
        // Descriptions hold slots of templates, so the marks are looked for by their names.
        for mark in PAGE.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            assert!(!page.contains(&format!("{{{{{mark}}}}}")), "{mark} was not replaced");
        }
        for link in page.split("href=\"#").skip(1) {
            let anchor = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
        }
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        let page = reference();
        for foreign in ["<script", "<link", "src=", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
