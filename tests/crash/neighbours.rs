//! The configuration file that leads to simulated neighbours.

use navette::config::NeighboursConfig;
use navette_adapters::DepositConfig;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::path::Path;

/// The text of a configuration whose Navette loses no time: failures and looks are milliseconds apart.
pub fn config(data: &Path, neighbours: &NeighboursConfig) -> String {
    let retry = json!({
        "base_ms": 20, "cap_ms": 500, "failures": 200, "poll_ms": 20, "locked_out_ms": 500, "lease_ms": 2_000,
        "breaker": { "open_ms": 20, "longest_ms": 200 },
    });
    let whole = json!({
        "data": data,
        "http": { "listen": "127.0.0.1:0" },
        "retry": retry,
        "neighbours": sections(neighbours),
    });
    toml::to_string(&whole).unwrap()
}

fn sections(of: &NeighboursConfig) -> Value {
    let (nextcloud, desk, maarch, smtp) = (&of.nextcloud, &of.iparapheur, &of.maarch, &of.smtp);
    let deposit = |of: &DepositConfig| json!({ "url": of.url, "token": of.token.expose_secret() });
    json!({
        "nextcloud": {
            "url": nextcloud.url,
            "login": nextcloud.login,
            "app_password": nextcloud.app_password.expose_secret(),
            "root_folder": nextcloud.root_folder,
        },
        "iparapheur": {
            "url": desk.url,
            "login": desk.login,
            "password": desk.password.expose_secret(),
        },
        "maarch": {
            "url": maarch.url,
            "login": maarch.login,
            "password": maarch.password.expose_secret(),
            "model": maarch.model,
            "doctype": maarch.doctype,
            "priority": maarch.priority,
            "status": maarch.status,
            "destination": maarch.destination,
        },
        "smtp": { "host": smtp.host, "port": smtp.port, "tls": "none", "from": smtp.from },
        "porte_documents": deposit(&of.porte_documents),
        "grants_tool": deposit(&of.grants_tool),
    })
}
