//! What a principal may see, said in SQL: the twin of `navette_domain::policy::sees` and `sees_export`, for
//! lists.

use navette_domain::policy::{Principal, sees_export};
use serde::Serialize;
use sqlx::{Postgres, QueryBuilder};

/// What a principal sees: dossiers, and what belongs to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// The services whose dossiers are seen; all when empty.
    services: Vec<String>,
    /// The schemes whose dossiers are seen; all when empty.
    schemes: Vec<String>,
    /// Who it is; nobody for Navette itself.
    reader: String,
    /// Whether what others export is seen.
    every_export: bool,
}

impl Scope {
    /// What `principal` sees.
    pub fn of(principal: &Principal) -> Self {
        Self {
            services: principal.services.clone(),
            schemes: principal.schemes.clone(),
            reader: principal.actor.clone(),
            every_export: sees_export(principal, ""),
        }
    }

    /// The dossiers that somebody saw who was limited to these.
    pub fn limited(services: &[String], schemes: &[String]) -> Self {
        Self {
            services: services.to_vec(),
            schemes: schemes.to_vec(),
            reader: String::new(),
            every_export: false,
        }
    }

    /// Everything: for Navette's own work.
    pub fn whole() -> Self {
        Self {
            every_export: true,
            ..Self::limited(&[], &[])
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

    /// Pushes a condition after ` AND `, unless all are seen: this column names whoever reads.
    pub(crate) fn sees_exports_of(&self, query: &mut QueryBuilder<'_, Postgres>, column: &str) {
        if !self.every_export {
            query.push(format!(" AND {column} = "));
            query.push_bind(self.reader.clone());
        }
    }

    /// Pushes a condition after ` AND `: what bears the columns `shared` and `owner` may be used.
    pub(crate) fn may_use(&self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push(" AND (shared OR owner = ");
        query.push_bind(self.reader.clone()).push(")");
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
