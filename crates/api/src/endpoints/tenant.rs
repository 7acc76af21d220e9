//! A tenant's name: the caller's own word for one of its customers.

const LONGEST: usize = 128;

pub(crate) fn judge(tenant: String) -> Result<String, &'static str> {
    let fits = (1..=LONGEST).contains(&tenant.chars().count()) && !tenant.chars().any(char::is_control);
    if fits { Ok(tenant) } else { Err("1 to 128 characters, none of them a control character") }
}
