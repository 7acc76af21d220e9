//! A tenant's name: the caller's own word for one of its customers.

const LONGEST: usize = 128;

/// In a project whose tenants are required.
pub const REQUIRED_OF_ENDPOINTS: &str =
    "required: in this project every endpoint is one tenant's (the project's tenants are required)";
pub const REQUIRED_OF_EVENTS: &str =
    "required: in this project every event is one tenant's (the project's tenants are required)";

/// Told to whoever has an endpoint without a tenant beside others with one.
pub const WITHOUT: &str = "This endpoint has no tenant, so it gets the events of all tenants. Give it a tenant, or set the project's tenants to required.";

pub fn judge(tenant: String) -> Result<String, &'static str> {
    let fits = (1..=LONGEST).contains(&tenant.chars().count()) && !tenant.chars().any(char::is_control);
    if fits { Ok(tenant) } else { Err("1 to 128 characters, none of them a control character") }
}
