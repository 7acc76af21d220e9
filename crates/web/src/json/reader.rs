//! Reads an object once more to say what is wrong with it: where, what stands there, and what should. Slower than the
//! reading that found it wrong, and only for those who made a mistake.
//!
//! The text is JSON by the time it comes here. Texts with U+0000 are refused here for all fields: a database cannot hold
//! them. What is kept as it was written, such as an event's data, is not looked into.

use std::borrow::Cow;
use std::fmt::{self, Display};

use model::invalid::{Fault, escaped};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::value::RawValue;

use super::members;
use super::told::cut;

/// Names that are told of those that would be right.
const MOST_NAMES: usize = 30;

/// Reads `text`, which is JSON.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Fault> {
    let reader = Reader { text: text.trim_ascii(), wanted: None };
    T::deserialize(reader).map_err(|Mistake { path, message, .. }| {
        let pointer = path.iter().rev().map(|step| format!("/{}", escaped(step))).collect::<String>();
        Fault::new(pointer, message)
    })
}

/// What is wrong, and the steps to it, innermost first.
#[derive(Debug)]
struct Mistake {
    path: Vec<String>,
    message: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A value of another type stands there.
    Type,
    /// A value of the right type that is not one of those taken.
    Value,
    Other,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), kind: Kind::Other }
    }

    fn of(kind: Kind, found: &str, wanted: &dyn Display) -> Self {
        Self { kind, ..Self::new(format!("is {found}, and should be {wanted}")) }
    }

    fn below(mut self, step: &str) -> Self {
        self.path.push(step.chars().take(200).collect());
        self
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

/// Each kind of mistake in words of ours.
impl de::Error for Mistake {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(Kind::Type, kind_of(found), &expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(Kind::Value, &value_of(found), &expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("has {length} items, and should be {expected}"))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("is {:?}, and should be one of {}", cut(found), expected.join(", ")))
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        let near = expected.iter().map(|known| (strsim::damerau_levenshtein(&cut(found), known), known)).min();
        let meant = match near {
            Some((distance, known)) if distance <= 1 + known.len() / 4 => format!("did you mean {known}? "),
            _ => String::new(),
        };
        let names = expected.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
        Self::new(format!("is not a field here: {meant}there are {names}")).below(found)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("is required").below(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("stands here twice").below(field)
    }
}

fn kind_of(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "a text",
    }
}

fn value_of(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Str(text) => format!("{:?}", cut(text)),
        other => kind_of(other).to_owned(),
    }
}

/// A value, and what is asked for.
struct Reader<'de> {
    text: &'de str,
    /// In our words, where the library's name types of Rust.
    wanted: Option<&'static str>,
}

impl<'de> Reader<'de> {
    fn wanting(self, wanted: &'static str) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Self { text, wanted } = self;
        match text.as_bytes().first() {
            Some(b'{') => visitor.visit_map(Members::of(text)?),
            Some(b'[') => visitor.visit_seq(Items::of(text)?),
            Some(b'"') => match string(text)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b't' | b'f') => visitor.visit_bool(text == "true"),
            Some(b'n') => visitor.visit_unit(),
            _ => match (text.parse::<u64>(), text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), ..) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (.., Ok(number)) if number.is_finite() => visitor.visit_f64(number),
                _ => Err(Mistake::new("is a number out of range")),
            },
        }
        .map_err(|mistake| match wanted {
            Some(wanted) if mistake.path.is_empty() && mistake.kind != Kind::Other => {
                Mistake::of(mistake.kind, &told(text), &wanted)
            }
            _ => mistake,
        })
    }
}

/// A value as it is told to whoever sent it.
fn told(text: &str) -> String {
    match text.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "a list".to_owned(),
        Some(b'"') => "a text".to_owned(),
        _ => cut(text),
    }
}

fn string(text: &str) -> Result<Cow<'_, str>, Mistake> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(read) = serde_json::from_str(text)
        .map_err(|_| Mistake::new("has half of a surrogate pair (\\ud800 to \\udfff), which is no character"))?;
    if read.contains('\0') {
        return Err(Mistake::new("has the character U+0000 (\\u0000), which no text may have: leave it out"));
    }
    Ok(read)
}

macro_rules! wanting {
    ($wanted:literal: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            self.wanting($wanted).visit(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Mistake;

    wanting!("true or false": deserialize_bool);
    wanting!("a whole number that fits": deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    wanting!("a number": deserialize_f32 deserialize_f64);
    wanting!("a list": deserialize_seq);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        if self.text == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// What is kept as it was written is the library's to read: it knows how it marks it.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Mistake> {
        let mut library = serde_json::Deserializer::from_str(self.text);
        let read = library.deserialize_newtype_struct(name, visitor);
        read.map_err(|_| Mistake::new("cannot be read"))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct enum identifier
    }
}

/// The members of an object, repeated ones too.
struct Members<'de> {
    members: std::vec::IntoIter<(String, &'de RawValue)>,
    current: Option<(String, &'de RawValue)>,
}

impl<'de> Members<'de> {
    fn of(text: &'de str) -> Result<Self, Mistake> {
        let members::Members(members) = serde_json::from_str(text).map_err(|_| Mistake::new("cannot be read"))?;
        Ok(Self { members: members.into_iter(), current: None })
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        if name.contains('\0') {
            return Err(Mistake::new("a name has the character U+0000 (\\u0000): leave it out"));
        }
        let key = seed.deserialize(StrDeserializer::<Mistake>::new(&name));
        self.current = Some((name, value));
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let Some((name, value)) = self.current.take() else { return Err(Mistake::new("cannot be read")) };
        seed.deserialize(Reader { text: value.get(), wanted: None }).map_err(|mistake| mistake.below(&name))
    }
}

/// The items of a list.
struct Items<'de> {
    items: std::vec::IntoIter<&'de RawValue>,
    next: usize,
}

impl<'de> Items<'de> {
    fn of(text: &'de str) -> Result<Self, Mistake> {
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Mistake::new("cannot be read"))?;
        Ok(Self { items: items.into_iter(), next: 0 })
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.next;
        self.next += 1;
        let read = seed.deserialize(Reader { text: item.get(), wanted: None });
        read.map(Some).map_err(|mistake| mistake.below(&at.to_string()))
    }
}
