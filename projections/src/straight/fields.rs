//! The fields that are written straight: those that are columns.

/// A field of the schema that is a column.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the schema.
    pub name: &'static str,
    /// Its column.
    pub column: &'static str,
    /// How its value is written.
    pub(super) kind: Kind,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Uuid,
    Text,
    /// The text of an enum's value, which the schema says in capitals.
    Name,
    Integer,
    Long,
    Boolean,
    Day,
    Instant,
    /// Not the column's: the name of the type.
    Type(&'static str),
}

macro_rules! fields {
    ($($(#[$meta:meta])* $table:ident { $($name:literal $column:ident $kind:ident $(($type:literal))?),+ $(,)? })+) => {$(
        $(#[$meta])*
        pub static $table: &[Field] = &[$(
            Field { name: $name, column: stringify!($column), kind: Kind::$kind $(($type))? },
        )+];
    )+};
}

fields! {
    /// Of a dossier.
    DOSSIER {
        "__typename" id Type("Dossier"),
        "id" id Uuid,
        "reference" reference Text,
        "status" status Name,
        "authority" authority Text,
        "authoritySiret" authority_siret Text,
        "purpose" purpose Text,
        "nature" nature Text,
        "scheme" scheme Text,
        "service" service Text,
        "fiscalYear" fiscal_year Integer,
        "requested" requested_cents Long,
        "granted" granted_cents Long,
        "amount" amount_cents Long,
        "paymentTerms" payment_terms Text,
        "commissionDate" commission_date Day,
        "decisionReference" decision_reference Text,
        "decisionDate" decision_date Day,
        "reason" reason Text,
        "version" version Long,
        "registeredAt" registered_at Instant,
        "updatedAt" updated_at Instant,
    }
    /// Of a third party.
    THIRD_PARTY {
        "__typename" id Type("ThirdParty"),
        "id" id Uuid,
        "name" name Text,
        "siret" siret Text,
        "rna" rna Text,
        "email" email Text,
        "applicantAccount" applicant_account Text,
        "version" version Long,
        "registeredAt" registered_at Instant,
        "updatedAt" updated_at Instant,
        "erasedAt" erased_at Instant,
    }
    /// Of a document.
    DOCUMENT {
        "__typename" id Type("Document"),
        "id" id Uuid,
        "chainId" chain_id Uuid,
        "chainVersion" chain_version Integer,
        "templateId" template_id Uuid,
        "templateVersion" template_version Integer,
        "title" title Text,
        "date" date Day,
        "status" status Name,
        "step" step Text,
        "trouble" trouble Text,
        "reason" reason Text,
        "needsAttention" needs_attention Boolean,
        "round" round Integer,
        "data" data Text,
        "office" office Text,
        "pdf" pdf Text,
        "pages" pages Integer,
        "signedPdf" signed_pdf Text,
        "chrono" chrono Text,
        "version" version Long,
        "requestedAt" requested_at Instant,
        "updatedAt" updated_at Instant,
    }
}
