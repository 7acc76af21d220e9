//! Names that people read.

/// A name that people read.
pub fn judge_name(name: Option<String>) -> Result<String, &'static str> {
    let name = name.ok_or("required: 1 to 128 characters")?;
    let fits = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits && !name.trim().is_empty() {
        Ok(name)
    } else {
        Err("a name has 1 to 128 characters, none of them a control character")
    }
}
