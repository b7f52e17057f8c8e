//! `navette token`: who may come in.

use super::say;
use crate::{
    access::{self, Holder},
    app::Database,
    config::Config,
};
use clap::{Args, Subcommand};
use navette_domain::{personal::Personal, policy::Role, third_party::EmailAddress};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

/// The options of `navette token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it: it is shown once.
    Issue(Issue),
    /// Close the door to a token, at once.
    Revoke {
        /// Its name.
        name: String,
    },
    /// Print the names and roles of all tokens, never the tokens.
    List,
}

#[derive(Debug, Args)]
struct Issue {
    /// Its name, in every event that it causes; never given again.
    name: String,
    /// What it is for: instructor, supervisor, auditor, integrator or admin.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Limit it to this service; may be repeated.
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
    /// Limit it to this scheme (dispositif); may be repeated.
    #[arg(long = "scheme", value_name = "SCHEME")]
    schemes: Vec<String>,
    /// Where to write to its holder.
    #[arg(long)]
    email: Option<EmailAddress>,
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected instructor, supervisor, auditor, integrator or admin".to_owned())
}

pub(super) async fn token(options: Token, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let done = act(options.action, &database.pool).await;
    database.close().await;
    done
}

async fn act(action: Action, pool: &PgPool) -> anyhow::Result<()> {
    match action {
        Action::Issue(issue) => {
            let holder = Holder {
                name: issue.name,
                role: issue.role,
                services: issue.services,
                schemes: issue.schemes,
                email: issue.email.map(Personal),
            };
            say(access::issue(pool, &holder).await?.expose_secret());
        }
        Action::Revoke { name } => {
            let revoked = access::revoke(pool, &name).await?;
            anyhow::ensure!(revoked, "no token in force is called {name}");
            say(&format!("{name}: revoked"));
        }
        Action::List => {
            for (name, role, revoked) in access::list(pool).await? {
                say(&match revoked {
                    Some(at) => format!("{name}: {role}, revoked on {}", at.date_naive()),
                    None => format!("{name}: {role}"),
                });
            }
        }
    }
    Ok(())
}
