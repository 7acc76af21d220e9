//! Reads a value of a dialect file as its type, with errors in plain words.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, StringDeserializer};
use serde::de::{self, Deserialize, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use toml::Value;

/// Reads `value`.
pub(crate) fn read<'de, T: Deserialize<'de>>(value: Value) -> Result<T, String> {
    T::deserialize(Plain { value, wanted: None }).map_err(|Misread { message, .. }| message)
}

#[derive(Debug)]
struct Misread {
    message: String,
    /// The value's kind is one that the library describes by a Rust type.
    is_type: bool,
}

impl Misread {
    fn new(message: String) -> Self {
        Self { message, is_type: false }
    }
}

impl Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { is_type: true, ..Self::new(format!("should be {expected}")) }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { is_type: true, ..Self::new(format!("should be {expected}")) }
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        let found: String = found.chars().take(80).collect();
        Self::new(format!("has no key {found:?}: there are {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("has no {field}, and must have one"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("has {field} twice"))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let found: String = found.chars().take(80).collect();
        Self::new(format!("{found:?} is none of those there are: {}", expected.join(", ")))
    }
}

/// Refused in every text: PostgreSQL cannot hold U+0000, and nobody can see it.
const NUL: &str = "has the character U+0000, which no text may have: leave it out";

struct Plain {
    value: Value,
    wanted: Option<&'static str>,
}

impl Plain {
    fn wanting(self, wanted: &'static str) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        let (found, wanted) = (told(&self.value), self.wanted);
        let read: Result<V::Value, Misread> = match self.value {
            Value::String(text) if text.contains('\0') => Err(Misread::new(NUL.to_owned())),
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Table(table) => {
                let members = table.into_iter().map(|(name, value)| (name, Plain { value, wanted: None }));
                visitor.visit_map(MapDeserializer::new(members))
            }
            Value::Datetime(_) | Value::Array(_) => {
                Err(de::Error::invalid_type(Unexpected::Other("another value"), &visitor))
            }
        };
        read.map_err(|misread| match (misread.is_type, wanted) {
            (true, Some(wanted)) => Misread::new(format!("is {found}, and should be {wanted}")),
            (true, None) => Misread::new(format!("is {found}, and {}", misread.message)),
            (false, _) => misread,
        })
    }
}

fn told(value: &Value) -> String {
    match value {
        Value::String(_) => "a text".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Datetime(_) => "a time".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

macro_rules! wanting {
    ($wanted:literal: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
            self.wanting($wanted).visit(visitor)
        })*
    };
}

impl<'de> IntoDeserializer<'de, Misread> for Plain {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Plain {
    type Error = Misread;

    wanting!("true or false": deserialize_bool);
    wanting!("a whole number that fits": deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    wanting!("a number": deserialize_f32 deserialize_f64);
    wanting!("a text": deserialize_char deserialize_str deserialize_string deserialize_identifier);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        self.visit(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.value {
            Value::String(text) => {
                let word: StringDeserializer<Misread> = text.into_deserializer();
                word.deserialize_enum(name, variants, visitor)
            }
            other => Err(Misread::new(format!("is {}, and should be one of {}", told(&other), variants.join(", ")))),
        }
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf option unit unit_struct newtype_struct seq tuple tuple_struct map struct ignored_any
    }
}
