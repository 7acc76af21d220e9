//! Checks whether the database can be reached; the error names the address and a remedy.

use tokio_postgres::error::SqlState;

use super::address::address;
use super::connect::Connections;
use crate::Error;

/// Checks that both kinds of connection can be opened, those of the pool and the node's own: once, before anything
/// else.
pub(super) async fn reach(connections: &Connections) -> Result<(), Error> {
    connections.session().await.map_err(|error| unreachable(&connections.address, &error))?;
    let own = connections.own().await.map(drop);
    own.map_err(|error| unreachable(&address(&connections.config), &error))
}

fn unreachable(address: &str, error: &Error) -> Error {
    // The innermost cause has the reason; those around it say only that something failed.
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    let cause = causes.last().map(ToString::to_string).unwrap_or_default();
    Error::Unreachable { address: address.to_owned(), cause, remedy: remedy(error) }
}

fn remedy(error: &Error) -> &'static str {
    let code = match error {
        Error::Postgres(error) => error.code(),
        _ => None,
    };
    match code {
        Some(code) if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) => {
            "give the right user and password in its URL, or let them in (pg_hba.conf)"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "make the database first (createdb)",
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => {
            "raise its max_connections, or lower database.connections on the nodes"
        }
        Some(_) => "see what it says",
        None => "see that PostgreSQL runs there and that nothing is in between, or give its right host and port",
    }
}
