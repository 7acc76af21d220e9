//! The address in a connection string, for people.

use tokio_postgres::config::Host;

/// Host and port of each server, without user and password.
pub(super) fn address(config: &tokio_postgres::Config) -> String {
    let ports = config.get_ports();
    let at = |(place, host): (usize, &Host)| {
        // A single port applies to all hosts.
        let port = ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}/.s.PGSQL.{port}", path.display()),
        }
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(at).collect();
    match config.get_dbname() {
        Some(name) => format!("{}, database {name},", hosts.join(", ")),
        None => hosts.join(", "),
    }
}
