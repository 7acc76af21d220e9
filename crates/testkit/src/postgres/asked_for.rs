//! The database that the tests run on.

/// True if this run of the tests is on PostgreSQL, by `POSTHASTE_TEST_ON`.
#[expect(clippy::disallowed_methods, reason = "tests have settings of their own")]
pub fn is_asked_for() -> bool {
    match std::env::var("POSTHASTE_TEST_ON").as_deref() {
        Ok("postgres") => true,
        Ok("embedded") | Err(_) => false,
        Ok(other) => panic!("POSTHASTE_TEST_ON is embedded or postgres, not {other}"),
    }
}
