//! Judges an expression when it is saved: names of the event's members and of functions, patterns.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use super::pattern::{self, Pattern, text_of};
use super::position;
use super::subject::Members;

/// Maximum levels of an expression once it is read. Running it takes stack for each.
const DEEPEST: usize = 40;

/// Functions that can be called: name, arguments as a function, arguments behind a value.
const FUNCTIONS: [(&str, Option<usize>, Option<usize>); 13] = [
    ("size", Some(1), Some(0)),
    ("contains", None, Some(1)),
    ("startsWith", None, Some(1)),
    ("endsWith", None, Some(1)),
    ("matches", Some(2), Some(1)),
    ("int", Some(1), None),
    ("uint", Some(1), None),
    ("double", Some(1), None),
    ("string", Some(1), None),
    ("bytes", Some(1), None),
    ("bool", Some(1), None),
    ("type", Some(1), None),
    ("dyn", Some(1), None),
];

/// Macros, which the parser unfolds where they are written right.
const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];

/// Names that stand for types: `type(event.data.id) == string`.
const TYPES: [&str; 10] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Findings about an expression.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) mistakes: Vec<String>,
    /// Members of the event that it needs.
    pub(super) members: Members,
    pub(super) patterns: Vec<Pattern>,
}

pub(super) fn judge(expression: &IdedExpr, source: &SourceInfo) -> Findings {
    let mut judge = Judge { source, bound: Vec::new(), depth: 0, too_deep: false, findings: Findings::default() };
    judge.look(expression);
    if judge.too_deep {
        judge.findings.mistakes.push(format!("it goes more than {DEEPEST} levels deep"));
    }
    if is_never_bool(&expression.expr) {
        judge.findings.mistakes.push("it does not say yes or no: compare what it comes to, as in `… == 1`".to_owned());
    }
    judge.findings
}

struct Judge<'a> {
    source: &'a SourceInfo,
    /// Names that enclosing loops have given to their elements.
    bound: Vec<&'a str>,
    depth: usize,
    too_deep: bool,
    findings: Findings,
}

impl<'a> Judge<'a> {
    fn look(&mut self, expression: &'a IdedExpr) {
        self.depth += 1;
        self.too_deep |= self.depth > DEEPEST;
        match &expression.expr {
            Expr::Unspecified => self.mistake(expression, "something is missing here"),
            Expr::Literal(_) => {}
            Expr::Ident(name) => self.look_at_name(expression, name),
            Expr::Select(select) if self.is_event(&select.operand) => self.look_at_member(expression, &select.field),
            Expr::Select(select) => self.look(&select.operand),
            Expr::Call(call) => self.look_at_call(expression, call),
            Expr::List(list) => list.elements.iter().for_each(|element| self.look(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.look(&entry.key);
                            self.look(&entry.value);
                        }
                        EntryExpr::StructField(_) => self.mistake(expression, "the keys of a map are values"),
                    }
                }
            }
            Expr::Struct(made) => {
                self.mistake(expression, format_args!("there is no type `{}` to make values of", made.type_name));
            }
            Expr::Comprehension(repeated) => {
                self.look(&repeated.iter_range);
                self.bound.push(&repeated.iter_var);
                self.look(&repeated.loop_step);
                self.bound.pop();
            }
        }
        self.depth -= 1;
    }

    fn is_event(&self, expression: &IdedExpr) -> bool {
        matches!(&expression.expr, Expr::Ident(name) if name == "event" && !self.bound.contains(&"event"))
    }

    fn look_at_name(&mut self, expression: &IdedExpr, name: &str) {
        // The parser's own, for what a loop has come to so far.
        let is_internal = name.starts_with('@');
        if is_internal || self.bound.contains(&name) || TYPES.contains(&name) {
            return;
        }
        if name == "event" {
            self.findings.members = Members::all();
            return;
        }
        let members = Members::NAMES.map(|member| format!("event.{member}")).join(", ");
        self.mistake(expression, format_args!("there is no `{name}`; there are {members}"));
    }

    fn look_at_member(&mut self, expression: &IdedExpr, member: &str) {
        if !self.findings.members.add(member) {
            let members = Members::NAMES.join(", ");
            self.mistake(expression, format_args!("an event has no `{member}`; it has {members}"));
        }
    }

    fn look_at_call(&mut self, expression: &IdedExpr, call: &'a CallExpr) {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (operators::INDEX, None, [container, key]) if self.is_event(container) => match text_of(key) {
                Some(member) => self.look_at_member(expression, member),
                None => {
                    self.findings.members = Members::all();
                    self.look(key);
                }
            },
            (name, target, arguments) => {
                if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    self.look_at_function(expression, call);
                }
                target.into_iter().chain(arguments).for_each(|part| self.look(part));
            }
        }
    }

    fn look_at_function(&mut self, expression: &IdedExpr, call: &CallExpr) {
        let (name, count) = (call.func_name.as_str(), call.args.len());
        if MACROS.contains(&name) {
            let right = match name {
                "has" => "has(event.data.x)".to_owned(),
                _ => format!("event.data.items.{name}(item, item.price > 10)"),
            };
            return self.mistake(expression, format_args!("`{name}` is written as in {right}"));
        }
        let Some((_, alone, behind)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let names = FUNCTIONS.map(|(name, ..)| name).into_iter().chain(MACROS).collect::<Vec<_>>().join(", ");
            return self.mistake(expression, format_args!("there is no function `{name}`; there are {names}"));
        };
        let wanted = if call.target.is_some() { behind } else { alone };
        if *wanted != Some(count) {
            let right = match (alone, behind) {
                (Some(_), _) if name == "matches" => "text.matches(\"pattern\")".to_owned(),
                (None, _) => format!("text.{name}(\"part\")"),
                (Some(_), _) => format!("{name}(value)"),
            };
            return self.mistake(expression, format_args!("`{name}` is written as in {right}"));
        }
        if name == "matches" {
            self.look_at_pattern(expression, call.args.last());
        }
    }

    fn look_at_pattern(&mut self, expression: &IdedExpr, pattern: Option<&IdedExpr>) {
        let Some(text) = pattern.and_then(text_of) else {
            return self.mistake(expression, "the pattern of `matches` is a text in quotes: it is compiled now");
        };
        match pattern::compile(text) {
            Ok(pattern) => self.findings.patterns.push(pattern),
            Err(wrong) => self.mistake(expression, wrong),
        }
    }

    fn mistake(&mut self, at: &IdedExpr, message: impl std::fmt::Display) {
        let place = self.source.offset_for(at.id).map(|(start, _)| position::of_byte(&self.source.source, start));
        self.findings.mistakes.push(match place {
            Some(place) => format!("{place}: {message}"),
            None => message.to_string(),
        });
    }
}

/// True if an expression cannot come to true or false, whatever the event.
fn is_never_bool(expression: &Expr) -> bool {
    match expression {
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => true,
        Expr::Comprehension(repeated) => matches!(repeated.accu_init.expr, Expr::List(_)),
        Expr::Call(call) => matches!(
            call.func_name.as_str(),
            operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE
                | "size"
                | "int"
                | "uint"
                | "double"
                | "string"
                | "bytes"
                | "type"
        ),
        Expr::Ident(name) => name == "event" || TYPES.contains(&name.as_str()),
        Expr::Select(select) => {
            let is_event = matches!(&select.operand.expr, Expr::Ident(name) if name == "event");
            !select.test && is_event && !Members::JSON.contains(&select.field.as_str())
        }
        Expr::Unspecified => false,
    }
}
