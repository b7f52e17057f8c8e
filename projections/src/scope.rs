//! Which dossiers a principal may see, said in SQL: the twin of `navette_domain::policy::sees`, for lists.

use navette_domain::policy::Principal;
use serde::Serialize;
use sqlx::{Postgres, QueryBuilder};

/// The services and schemes within which a principal sees; all when empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    services: Vec<String>,
    schemes: Vec<String>,
}

impl Scope {
    /// What `principal` sees.
    pub fn of(principal: &Principal) -> Self {
        Self {
            services: principal.services.clone(),
            schemes: principal.schemes.clone(),
        }
    }

    /// What somebody saw who was limited to these.
    pub fn limited(services: &[String], schemes: &[String]) -> Self {
        Self {
            services: services.to_vec(),
            schemes: schemes.to_vec(),
        }
    }

    /// Everything: for Navette's own work.
    pub fn whole() -> Self {
        Self {
            services: vec![],
            schemes: vec![],
        }
    }

    /// Whether every dossier is seen.
    pub fn is_whole(&self) -> bool {
        self.services.is_empty() && self.schemes.is_empty()
    }

    /// Pushes a condition, true or false but never NULL: the dossier whose columns go by `alias` is seen.
    pub(crate) fn sees(&self, query: &mut QueryBuilder<'_, Postgres>, alias: &str) {
        query.push("true");
        for (column, limits) in [("service", &self.services), ("scheme", &self.schemes)] {
            if !limits.is_empty() {
                query.push(format!(" AND COALESCE({alias}.{column} = ANY("));
                query.push_bind(limits.clone()).push("), false)");
            }
        }
    }

    /// Pushes a condition: the dossier of this id is seen. One that is not known yet is not.
    pub(crate) fn sees_dossier(&self, query: &mut QueryBuilder<'_, Postgres>, id: &str) {
        query.push(format!(
            "EXISTS (SELECT 1 FROM dossiers seen WHERE seen.id = {id} AND "
        ));
        self.sees(query, "seen");
        query.push(")");
    }

    /// Pushes a condition: every dossier of the batch of this id is seen, hence the batch.
    pub(crate) fn sees_batch(&self, query: &mut QueryBuilder<'_, Postgres>, id: &str) {
        if self.is_whole() {
            query.push("true");
            return;
        }
        query.push(format!(
            "NOT EXISTS (SELECT 1 FROM batch_dossiers member
             LEFT JOIN dossiers seen ON seen.id = member.dossier_id
             WHERE member.batch_id = {id} AND (seen.id IS NULL OR NOT ("
        ));
        self.sees(query, "seen");
        query.push(")))");
    }
}
